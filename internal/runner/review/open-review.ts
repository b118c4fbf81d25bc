import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { PhaseFault } from '../fault.ts';
import type { TaskRun } from '../task-run.ts';
import { type Forge, forgeOf } from './forge.ts';
import { githubReview } from './github.ts';
import { gitlabReview } from './gitlab.ts';
import { isNetworkFault } from './review-fault.ts';

/** What is offered for review. */
export interface ReviewWish {
  readonly forge: Forge;
  /** branches; short names */
  readonly branch: string;
  readonly target: string;
  readonly title: string;
  readonly description: string;
  readonly token: string;
}

/** The first pause before a repetition; ms. It doubles. */
const firstPauseMs = 1_000;

/**
 * Offers a branch for review: a pull request of GitHub, a merge request of GitLab. One that is open already is found again.
 * @returns its address
 * @throws {PhaseFault} PushError; the branch is pushed then
 */
export async function openReview(
  run: TaskRun,
  { url, branch, target }: { readonly url: RepositoryUrl; readonly branch: string; readonly target: string },
): Promise<string> {
  const { parts, task, config, signal } = run;
  const forge = forgeOf(url, parts.commandEnv);
  const pushed = `The branch ${branch} is pushed; open the request by hand.`;
  if (forge === null)
    throw new PhaseFault(
      'PushError',
      `${url.url} is neither on GitHub nor on GitLab as far as its address tells; set GITHUB_API_URL or GITLAB_API_URL for a server of your own. ${pushed}`,
    );
  const token = url.credentials?.password ?? parts.secretOf(config.gitTokenVariable)?.trim() ?? '';
  if (token === '')
    throw new PhaseFault(
      'PushError',
      `A pull request needs a token, and ${config.gitTokenVariable} is not set. ${pushed}`,
    );
  const { context } = task;
  const criteria = context.acceptanceCriteria.map((one) => `- ${one}`).join('\n');
  const wish: ReviewWish = {
    ...{ forge, branch, target, token },
    title: run.mask(context.title).slice(0, 250),
    description: run.mask(
      [context.description, criteria, `Keruta-Task: ${task.id}`].filter((part) => part !== '').join('\n\n'),
    ),
  };
  const open = forge.kind === 'github' ? githubReview : gitlabReview;
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(parts.http, wish, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isNetworkFault(error) && attempt <= config.retries.network) {
        await parts.clock.sleep(firstPauseMs * 2 ** (attempt - 1), signal);
        continue;
      }
      throw new PhaseFault('PushError', `${(error as Error).message} ${pushed}`);
    }
  }
}
