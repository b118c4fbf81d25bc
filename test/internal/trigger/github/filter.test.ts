import { describe, expect, test } from 'vitest';
import {
  isConcerned,
  needsPaths,
  refusalOf,
  refusalOfPaths,
} from '../../../../internal/trigger/github/filter.ts';
import { githubShape } from '../../../../internal/trigger/github/github-spec.ts';
import { readGithubEvent } from '../../../../internal/trigger/github/read-event.ts';
import { commits, issueComment, pullRequest, push, repository, sha } from './payloads.ts';

type Input = Readonly<Record<string, unknown>>;

/** What a trigger says of a delivery: `ran`, `not concerned`, or why not. */
function judge(input: Input, event: string, body: unknown, isOwn = false): string {
  const spec = githubShape.parse({ repository: 'acme/*', events: [event], ...input });
  const read = readGithubEvent(event, body);
  if (!isConcerned(spec, read)) return 'not concerned';
  return refusalOf(spec, read, isOwn) ?? refusalOfPaths(spec, read.paths) ?? 'ran';
}

const bot = { sender: { login: 'renovate[bot]', type: 'Bot' } };
const deleted = { deleted: true, after: sha('0'), commits: [] };
const tag = { ref: 'refs/tags/v1.2' };

describe('a trigger of type github', () => {
  test.each<[string, string, Input, string, unknown]>([
    ['runs on a push to any branch', 'ran', {}, 'push', push()],
    ['is not concerned by other events', 'not concerned', { events: ['issues'] }, 'push', push()],
    [
      'is not concerned by other repositories',
      'not concerned',
      {},
      'push',
      push({ repository: repository('other/site') }),
    ],
    [
      'takes a list of repositories, cases alike',
      'ran',
      { repository: ['x/y', 'ACME/Site'] },
      'push',
      push(),
    ],
    ['is not concerned without a repository', 'not concerned', {}, 'push', push({ repository: null })],
    [
      'does not take a name with a path in it',
      'not concerned',
      { repository: '**' },
      'push',
      push({ repository: repository('../..') }),
    ],
    ['takes a branch that matches', 'ran', { branches: ['release/*', 'main'] }, 'push', push()],
    ['refuses other branches', 'branch', { branches: 'release/*' }, 'push', push()],
    [
      'does not let one star match a slash',
      'branch',
      { branches: 'f/*' },
      'push',
      push({ ref: 'refs/heads/f/a/b' }),
    ],
    ['refuses pushes of tags unless asked', 'tag', {}, 'push', push(tag)],
    ['takes tags that it asks for', 'ran', { tags: 'v*' }, 'push', push(tag)],
    ['refuses branches when it asks for tags only', 'branch', { tags: 'v*' }, 'push', push()],
    [
      'takes tags and branches when it asks for both',
      'ran',
      { tags: 'v*', branches: 'main' },
      'push',
      push(),
    ],
    ['refuses deleted branches', 'deleted', {}, 'push', push(deleted)],
    ['takes deleted branches when asked', 'ran', { deleted: true }, 'push', push(deleted)],
    [
      'takes the event delete, which says it by itself',
      'ran',
      {},
      'delete',
      push({ ref: 'topic', ref_type: 'branch' }),
    ],
    ['takes forced pushes', 'ran', {}, 'push', push({ forced: true })],
    ['refuses forced pushes when told', 'forced', { forced: false }, 'push', push({ forced: true })],
    ['takes an added file', 'ran', { paths: 'docs/**' }, 'push', push()],
    ['takes a changed file', 'ran', { paths: ['nothing', 'src/*.ts'] }, 'push', push()],
    ['takes a removed file', 'ran', { paths: 'old.txt' }, 'push', push()],
    ['refuses a push without a file that matches', 'paths', { paths: 'web/**' }, 'push', push()],
    [
      'looks at the files of all commits',
      'ran',
      { paths: 'file-18' },
      'push',
      push({ commits: commits(19) }),
    ],
    ['runs when not all files are known', 'ran', { paths: 'web/**' }, 'push', push({ commits: commits(20) })],
    [
      'says when it does not know all files',
      'paths_unknown',
      { paths: 'web/**', unknownPaths: 'skip' },
      'push',
      push({ commits: commits(20) }),
    ],
    ['takes a sender by its login', 'ran', { authors: ['mo*'] }, 'push', push()],
    ['refuses other senders', 'author', { authors: 'hubot' }, 'push', push()],
    ['refuses bots', 'bot', {}, 'push', push(bot)],
    ['takes bots when told', 'ran', { ignoreBots: false }, 'push', push(bot)],
    ['takes an action that it names', 'ran', { actions: ['opened'] }, 'pull_request', pullRequest()],
    [
      'refuses actions that it does not name',
      'action',
      { actions: ['opened'] },
      'pull_request',
      pullRequest('never_heard_of'),
    ],
    ['takes unknown actions when it names none', 'ran', {}, 'pull_request', pullRequest('never_heard_of')],
    ['takes the branch a pull request goes to', 'ran', { branches: 'main' }, 'pull_request', pullRequest()],
    [
      'does not take the branch it comes from',
      'branch',
      { branches: 'topic' },
      'pull_request',
      pullRequest(),
    ],
    [
      'S-43: refuses pull requests out of forks',
      'fork',
      {},
      'pull_request',
      pullRequest('opened', 'evil/site'),
    ],
    ['takes forks when told', 'ran', { forks: true }, 'pull_request', pullRequest('opened', 'evil/site')],
    ['takes a label', 'ran', { labels: 'ready' }, 'pull_request', pullRequest()],
    [
      'refuses a pull request without the label',
      'label',
      { labels: 'urgent' },
      'pull_request',
      pullRequest(),
    ],
    [
      'refuses events without a branch when it names some',
      'branch',
      { branches: 'main' },
      'issue_comment',
      issueComment(),
    ],
    ['takes comments', 'ran', { labels: 'bug' }, 'issue_comment', issueComment()],
  ])('%s', (_title, expected, input, event, body) => {
    expect(judge(input, event, body)).toBe(expected);
  });

  test('never runs on what its own App did, whatever it says of bots', () => {
    expect(judge({ ignoreBots: false }, 'push', push(bot), true)).toBe('own');
  });

  test.each([
    ['its old name', 'acme/site'],
    ['its new name', 'acme/shop'],
  ])('hears that a repository was renamed, by %s', (_title, name) => {
    const changes = { repository: { name: { from: 'site' } } };
    const renamed = { ...push({ repository: repository('acme/shop') }), action: 'renamed', changes };
    expect(judge({ repository: name }, 'repository', renamed)).toBe('ran');
    expect(judge({ repository: 'acme/other' }, 'repository', renamed)).toBe('not concerned');
  });

  test('tells a comment at a pull request from one at an issue', () => {
    const at = {
      number: 9,
      labels: [],
      pull_request: { url: 'https://api.github.com/repos/acme/site/pulls/9' },
    };
    const read = (body: unknown) => readGithubEvent('issue_comment', body);
    expect([read(issueComment()).isPull, read(issueComment({ issue: at })).isPull]).toEqual([false, true]);
    expect(read(issueComment({ issue: at })).number).toBe(9);
  });

  test('refuses a pull request whose fork was deleted', () => {
    const body = pullRequest();
    expect(
      judge({}, 'pull_request', { ...body, pull_request: { ...body.pull_request, head: { repo: null } } }),
    ).toBe('fork');
  });

  test('asks for the files only when they can change what it decides', () => {
    const asks = (paths: string, body: unknown) =>
      needsPaths(
        githubShape.parse({ repository: '*/*', events: ['push'], paths }),
        readGithubEvent('push', body),
      );
    const many = push({ commits: commits(20) });
    expect([asks('web/**', many), asks('file-3', many), asks('web/**', push())]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('judges 3,000 files, each of them', () => {
    const files = Array.from({ length: 2999 }, (_, n) => `a/b/c/file-${n}.ts`);
    const body = push({ commits: [{ added: files }] });
    expect(judge({ paths: 'a/**/file-2998.ts' }, 'push', body)).toBe('ran');
    expect(judge({ paths: 'a/*/file-2998.ts' }, 'push', body)).toBe('paths');
    const more = push({ commits: [{ added: [...files, 'one', 'two'] }] });
    expect(judge({ paths: 'web/**', unknownPaths: 'skip' }, 'push', more)).toBe('paths_unknown');
  });

  test('gives up on names that would take long to judge', () => {
    const added = Array.from({ length: 500 }, (_, n) => `${'a'.repeat(4000)}${n}`);
    const paths = Array.from({ length: 100 }, (_, n) => `**a*a*a*a*a*a*b${n}`);
    expect(judge({ paths, unknownPaths: 'skip' }, 'push', push({ commits: [{ added }] }))).toBe(
      'paths_unknown',
    );
  });

  test.each([
    null,
    [],
    'text',
    { repository: 3, sender: [], ref: {}, commits: {} },
    { repository: repository(), commits: [null, { added: 'x', removed: [1] }] },
    { pull_request: null, issue: 4, check_run: { app: 'x' } },
  ])('reads %j without an error', (body) => {
    expect(readGithubEvent('push', body)).toMatchObject({ sha: null, number: null });
  });

  test.each<[string, Input]>([
    ['an unknown field', { repository: 'a/b', events: ['push'], branch: 'main' }],
    ['no events', { repository: 'a/b', events: [] }],
    ['no repository', { events: ['push'] }],
    ['forks as a text', { repository: 'a/b', events: ['push'], forks: 'yes' }],
  ])('is refused with %s', (_title, input) => {
    expect(githubShape.safeParse(input).success).toBe(false);
  });
});
