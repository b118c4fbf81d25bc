import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forgeOf } from '../../../internal/runner/review/forge.ts';
import { openReview } from '../../../internal/runner/review/open-review.ts';
import type { TaskRun } from '../../../internal/runner/task-run.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';
import { context, defaultConfig } from './lab.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

const token = 'ghp_a-token-for-pulls';
const url = (text: string) => parseRepositoryUrl(text, { allowLocal: true });

/** A run as far as offering a branch looks at it. */
function runOf(kind: 'github' | 'gitlab', secret: string | null = token): TaskRun {
  const clock = new TestClock();
  const http = makeHttp({ userAgent: 'test/1' });
  const env = { [`${kind.toUpperCase()}_API_URL`]: server.url };
  // a pause of a repetition passes at once
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, signal) => {
    const slept = sleep(ms, signal);
    clock.advance(ms);
    return slept;
  };
  return {
    parts: { clock, http, commandEnv: env, secretOf: () => secret },
    task: { id: 'task-1', context },
    config: defaultConfig,
    signal: new AbortController().signal,
    mask: (text: string) => text,
  } as unknown as TaskRun;
}
const branch = { branch: 'keruta-task-1', target: 'main' };
const here = () => url(`https://${new URL(server.url).hostname}/acme/site.git`);

describe('a branch on GitHub', () => {
  test('is offered as a pull request, with what is wanted as its text', async () => {
    server.route('GET', '/repos/acme/site/pulls', { json: [] });
    server.route('POST', '/repos/acme/site/pulls', { status: 201, json: { html_url: 'https://x/pull/7' } });
    expect(await openReview(runOf('github'), { url: here(), ...branch })).toBe('https://x/pull/7');
    const [asked, made] = server.requests;
    expect(asked?.query.get('head')).toBe('acme:keruta-task-1');
    expect(made?.headers.authorization).toBe(`Bearer ${token}`);
    expect(made?.json).toMatchObject({ title: 'Mend the sum', head: 'keruta-task-1', base: 'main' });
    expect(JSON.stringify(made?.json)).toContain('2 + 2 is 4');
  });

  test('that is offered already is not offered twice', async () => {
    server.route('GET', '/repos/acme/site/pulls', { json: [{ html_url: 'https://x/pull/3' }] });
    expect(await openReview(runOf('github'), { url: here(), ...branch })).toBe('https://x/pull/3');
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  test('is found again when the answer was lost', async () => {
    server.route('GET', '/repos/acme/site/pulls', { json: [] }, { json: [{ html_url: 'https://x/pull/9' }] });
    server.route('POST', '/repos/acme/site/pulls', faults.reset);
    expect(await openReview(runOf('github'), { url: here(), ...branch })).toBe('https://x/pull/9');
  });

  test('that the forge refuses is pushed all the same, and it is said why', async () => {
    server.route('GET', '/repos/acme/site/pulls', { json: [] });
    server.route('POST', '/repos/acme/site/pulls', { status: 422, json: { message: 'No commits between' } });
    await expect(openReview(runOf('github'), { url: here(), ...branch })).rejects.toMatchObject({
      kind: 'PushError',
      message: expect.stringMatching(/422.*No commits between.*The branch keruta-task-1 is pushed/),
    });
  });

  test('without a token, or on a forge that nobody knows, says what is missing', async () => {
    await expect(openReview(runOf('github', null), { url: here(), ...branch })).rejects.toThrow(
      /GIT_TOKEN is not set/,
    );
    const other = url('https://git.example.org/acme/site.git');
    await expect(openReview(runOf('github'), { url: other, ...branch })).rejects.toThrow(/GITHUB_API_URL/);
  });
});

test('a branch on GitLab is offered as a merge request', async () => {
  const path = '/projects/:id/merge_requests';
  server.route('GET', path, { json: [] });
  server.route('POST', path, { status: 201, json: { web_url: 'https://x/merge/2' } });
  expect(await openReview(runOf('gitlab'), { url: here(), ...branch })).toBe('https://x/merge/2');
  const [, made] = server.requests;
  expect(made?.headers['private-token']).toBe(token);
  expect(made?.json).toMatchObject({ source_branch: 'keruta-task-1', target_branch: 'main' });
});

test.each([
  ['https://github.com/acme/site.git', 'github', 'acme/site'],
  ['git@github.com:acme/site.git', 'github', 'acme/site'],
  ['https://gitlab.com/group/part/site', 'gitlab', 'group/part/site'],
  ['https://example.org/acme/site.git', null, null],
  ['/tmp/site.git', null, null],
])('the forge of %s is %s', (text, kind, repository) => {
  expect(forgeOf(url(text), {})).toEqual(
    kind === null ? null : expect.objectContaining({ kind, repository }),
  );
});
