import { afterEach, expect, test } from 'vitest';
import { placeOf } from '../../../internal/pool/places.ts';
import type { PoolParts } from '../../../internal/pool/work.ts';
import type { RunnerParts } from '../../../internal/runner/run-parts.ts';
import { type FakeServer, startFakeServer } from '../../fake-server/fake-server.ts';
import { git, makeRepository } from '../../fixtures/git.ts';
import { type GitHttps, serveGit } from '../../fixtures/git-https.ts';
import { makePool } from '../pool/pool-fixture.ts';
import { files, makeLab, mended } from './lab.ts';

/** What becomes of a branch in a repository that wants credentials. */
const mend = `cat > /dev/null; printf '%s\\n' '${mended.trimEnd()}' > sum.js`;
const own = { username: 'x-access-token', password: 'ghp_the-runners-own' };
const lent = { username: 'x-access-token', password: 'ghs_lent-for-reading' };
const isOwn = (user: string) => user.endsWith(own.password);

/** The commit of the task, in the mirror of the pool. */
const keptIn = ({ directory }: PoolParts) =>
  git(
    placeOf(directory, `${remote.origin}/acme/site.git`).mirror,
    ...['--git-dir=.', 'rev-parse', 'refs/keruta/task-0001-0001/after'],
  );

let remote: GitHttps;
let forge: FakeServer | null = null;
afterEach(async () => {
  remote.close();
  await forge?.close();
  forge = null;
});

/** A lab whose repository is behind https. @param parts  its credentials; default: the runner's own */
async function start(
  isLetIn: (user: string, isPush: boolean) => boolean,
  given: Partial<Pick<RunnerParts, 'pushCredentials'>> & { readonly credentials?: typeof own } = {},
) {
  remote = await serveGit({ repository: makeRepository(files), path: 'acme/site', isLetIn });
  const environment = { PATH: process.env.PATH, GIT_SSL_CAINFO: remote.certificate };
  const { parts: pool } = makePool({
    git: { environment, credentials: 'inherit' },
    credentials: () => given.credentials ?? own,
  });
  const lab = makeLab();
  const env = { ...lab.parts('env', {}).env, GITHUB_API_URL: forge?.url ?? '' };
  const parts = { pool, pushCredentials: given.pushCredentials ?? (() => own), commandEnv: env };
  const task = { repositoryUrl: `${remote.origin}/acme/site.git` };
  const run = (publish: 'branch' | 'pull-request') =>
    lab.run({ coder: lab.agent(mend), task, context: { publish }, parts });
  return {
    run,
    pool,
    branches: () => git(remote.repository, 'branch', '--format=%(refname:short)').split('\n'),
  };
}

test('a branch is fetched with what was lent for reading, and pushed with the runner’s own token', async () => {
  const isLetIn = (user: string, isPush: boolean) => (isPush ? isOwn(user) : user.endsWith(lent.password));
  const { run, branches } = await start(isLetIn, { credentials: lent });
  const result = await run('branch');
  expect(result).toMatchObject({ success: true, error: null, isPushed: true });
  expect(branches()).toContain(result.branch);
});

test('a token that was lent for reading is not tried for a push', async () => {
  const { run, branches } = await start((user, isPush) => !isPush || isOwn(user), {
    credentials: lent,
    pushCredentials: () => null,
  });
  expect(await run('branch')).toMatchObject({
    ...{ success: false, isPushed: false, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
    error: { kind: 'PushError', message: expect.stringMatching(/lets nobody push .* Check GIT_TOKEN\.$/) },
  });
  expect(branches()).toEqual(['main']);
});

test('a push that is denied is told with the variable of the token, and what was made is kept', async () => {
  const { run, pool, branches } = await start((_user, isPush) => !isPush);
  const result = await run('branch');
  expect(result).toMatchObject({
    ...{ success: false, isPushed: false, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
    error: { kind: 'PushError', message: expect.stringMatching(/lets nobody push .* Check GIT_TOKEN\.$/) },
  });
  expect(JSON.stringify(result)).not.toContain(own.password);
  expect(branches()).toEqual(['main']);
  expect(keptIn(pool)).toBe(result.commit);
});

test('a repository that is away at the push is asked as often as is configured', async () => {
  const { run, pool } = await start((_user, isPush) => {
    if (isPush) remote.close();
    return true;
  });
  const result = await run('branch');
  expect(result.error).toMatchObject({
    kind: 'PushError',
    message: expect.stringMatching(/ was away 2 times: .* The commit is kept in the pool\.$/),
  });
  expect(keptIn(pool)).toBe(result.commit);
});

test('a pull request is opened for a branch that is pushed already, and its address is told', async () => {
  forge = await startFakeServer();
  const seen: string[] = [];
  const { run, branches } = await start(isOwn);
  forge.route('GET', '/repos/acme/site/pulls', { json: [] });
  forge.route('POST', '/repos/acme/site/pulls', () => {
    seen.push(...branches());
    return { status: 201, json: { html_url: 'https://forge.example/acme/site/pull/7' } };
  });
  const result = await run('pull-request');
  expect(result).toMatchObject({
    ...{ success: true, isPushed: true, pullRequestUrl: 'https://forge.example/acme/site/pull/7' },
  });
  expect(seen).toContain(result.branch);
  expect(forge.requests.map(({ headers }) => headers.authorization)).toEqual([
    ...[`Bearer ${own.password}`, `Bearer ${own.password}`],
  ]);
});

test('a pull request that is refused fails the task, whose branch is pushed', async () => {
  forge = await startFakeServer();
  forge.route('GET', '/repos/acme/site/pulls', { json: [] });
  forge.route('POST', '/repos/acme/site/pulls', { status: 422, json: { message: 'no such base' } });
  const { run, branches } = await start(isOwn);
  const result = await run('pull-request');
  expect(result.error).toMatchObject({
    kind: 'PushError',
    message: expect.stringMatching(/no such base.* is pushed; open the request by hand\.$/),
  });
  expect(branches()).toContain(result.branch);
});
