import { githubShape } from '../github/github-spec.ts';
import { triggerType } from '../trigger-type.ts';

/** Fires on what happens in repositories of GitHub. */
export const github = triggerType({
  name: 'github',
  doc: 'when something happens in a repository of GitHub: pushes, pull requests, issues, comments',
  source: 'github',
  spec: githubShape,
  check: ({ forks, ignoreBots, paths, events }) => [
    ...(forks ? ['forks: true: whoever opens a pull request decides what runs'] : []),
    ...(ignoreBots ? [] : ['ignoreBots: false: two bots can answer each other for ever']),
    ...(paths !== undefined && !events.some((one) => one === 'push' || one.startsWith('pull_request'))
      ? ['paths: only pushes and pull requests have files']
      : []),
  ],
});
