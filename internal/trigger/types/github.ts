import { type GithubSpec, githubShape } from '../github/github-spec.ts';
import { type ScheduleContext, type TriggerHost, triggerType } from '../trigger-type.ts';
import { leastSecretBytes } from '../webhook/secret-ref.ts';

/** Fires on what happens in repositories of GitHub. */
export const github = triggerType({
  name: 'github',
  doc: 'when something happens in a repository of GitHub: pushes, pull requests, issues, comments',
  source: 'github',
  spec: githubShape,
  check: (spec, { host }: ScheduleContext) => [
    ...doubtsOf(spec),
    ...(host?.github ? lacksOf(spec, host.github) : []),
  ],
});

function doubtsOf({ forks, ignoreBots, paths, events }: GithubSpec): readonly string[] {
  const hasFiles = events.some((one) => one === 'push' || one.startsWith('pull_request'));
  return [
    ...(forks ? ['forks: true: whoever opens a pull request decides what runs'] : []),
    ...(ignoreBots ? [] : ['ignoreBots: false: two bots can answer each other for ever']),
    ...(paths !== undefined && !hasFiles ? ['paths: only pushes and pull requests have files'] : []),
    ...(events.includes('ping') ? ['events: ping is answered, and never fires'] : []),
  ];
}

function lacksOf(
  { report, paths }: GithubSpec,
  { secretBytes, hasApp }: NonNullable<TriggerHost['github']>,
): readonly string[] {
  return [
    ...(secretBytes === null
      ? ['GITHUB_WEBHOOK_SECRET is not set on this server, so nothing can fire it']
      : []),
    ...(secretBytes !== null && secretBytes < leastSecretBytes
      ? [`GITHUB_WEBHOOK_SECRET has ${secretBytes} bytes; ${leastSecretBytes} or more cannot be guessed`]
      : []),
    ...(report.length > 0 && !hasApp
      ? ['report: nothing is told without a GitHub App; set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY']
      : []),
    ...(paths !== undefined && !hasApp
      ? [
          'paths: without a GitHub App the files of pull requests and of long pushes are not known (unknownPaths)',
        ]
      : []),
  ];
}
