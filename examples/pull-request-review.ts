/**
 * When a pull request is opened: looks at it, and says what a reviewer should know. GitHub calls
 * http://<host>:8000/webhook/github.pull_request, signed with GITHUB_WEBHOOK_SECRET.
 */
import { agent, type GitHubPullRequest, tool, webhook } from 'keruta';

/** What a model would say; a list of plain rules stands here for it. */
export const review = tool((pull: GitHubPullRequest['pull_request']) => [
  pull.body ? 'it says why' : 'it does not say why: ask for a description',
  pull.title.length > 72 ? 'the title is longer than 72 characters' : 'the title is short enough',
]);

export const reviewPullRequest = webhook.on(
  'github.pull_request',
  agent({ description: 'Looks at new pull requests' }, async (payload: GitHubPullRequest) => {
    if (payload.action !== 'opened') return 'skipped: not a new pull request';
    const { full_name: repository } = payload.repository;
    return [`review of ${repository}#${payload.number}`, ...review(payload.pull_request)].join('\n');
  }),
);
