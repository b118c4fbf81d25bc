import { describe, expect, test } from 'vitest';
import { commits, issueComment, pullRequest, push, sha } from '../trigger/github/payloads.ts';
import { openGithubWith } from './github-world.ts';
import type { TestServer } from './start-server.ts';

const host = 'https://127.0.0.1:8443';
const cloneUrl = `${host}/acme/site.git`;

/** A payload of a repository that is at the host of the fake. */
function here<T extends { readonly repository: object }>(payload: T) {
  return { ...payload, repository: { ...payload.repository, clone_url: cloneUrl } };
}

async function claim(server: TestServer, session: string, agentId = 'agent-1') {
  const [found] = (await server.call('GET', `sessions/search?name=${session}`)).body;
  const request = { agentId, claimId: `claim-${Math.random()}` };
  const { body } = await server.call('POST', `sessions/${found.id}/claim`, request);
  return body.claim;
}

async function ask(server: TestServer, claimed: { task: { id: string } }, agentId = 'agent-1') {
  return server.call('POST', `tasks/${claimed.task.id}/attempts/1/checkout`, { agentId });
}

async function end(server: TestServer, { task }: { task: { id: string } }, exitCode: number) {
  const at = new Date().toISOString();
  const stream = { size: 0, crc32: 0, lostBytes: 0 };
  const over = { exitCode, signal: null, reason: null, startedAt: at, exitedAt: at, usage: null };
  const report = { ...over, controlSeq: 0, streams: { stdout: stream, stderr: stream }, artifacts: [] };
  const answer = await server.call('POST', `tasks/${task.id}/attempts/1/finish`, report);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

const branchMade = { ...push(), after: undefined, ref: 'topic', ref_type: 'branch' };
const branchGone = push({ deleted: true, after: sha('0'), commits: commits(0) });

describe('the checkout of a task that GitHub fired', () => {
  test('is lent a token that may read its repository, for the agent that has the attempt alone', async () => {
    const repository = { url: cloneUrl };
    const { server, fake, send } = await openGithubWith({ workflow: { repository } }, {});
    await send(here(push()));
    const claimed = await claim(server, 'w0');
    expect(claimed).toMatchObject({ asksForCheckout: true, task: { ref: sha('b') } });
    const { status, headers, body } = await ask(server, claimed);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body.checkout).toMatchObject({
      repositoryUrl: cloneUrl,
      credentials: { username: 'x-access-token', password: fake.tokens[0] },
      note: null,
    });
    expect(Date.parse(body.checkout.credentials.expiresAt)).toBeGreaterThan(Date.now());
    expect((await ask(server, claimed, 'agent-2')).status).toBe(403);
    const own = await server.call(
      'POST',
      `tasks/${claimed.task.id}/attempts/1/checkout`,
      { agentId: 'agent-1' },
      {
        authorization: `Bearer ${claimed.attempt.token}`,
      },
    );
    expect(own.status).toBe(403);
    const audits = await server.parts.store.audit({ limit: 50, offset: 0 });
    expect(audits.filter(({ action }) => action === 'github.token_lent')).toHaveLength(1);
    expect(JSON.stringify([claimed, audits])).not.toContain(fake.tokens[0]);
  });

  test('is refused to an attempt that is over', async () => {
    const { server, send } = await openGithubWith({}, {});
    await send(here(push()));
    const claimed = await claim(server, 'w0');
    await end(server, claimed, 0);
    expect((await ask(server, claimed)).status).toBe(409);
  });

  test('is the repository of the event when the workflow names none, unless it does not want it', async () => {
    const { server, send } = await openGithubWith({}, {}, { checkout: false });
    await send(here(push()));
    const [first, second] = [await claim(server, 'w0'), await claim(server, 'w1')];
    expect((await ask(server, first)).body.checkout).toMatchObject({
      repositoryUrl: cloneUrl,
      credentials: {},
    });
    expect((await ask(server, second)).body.checkout).toBeNull();
  });

  test.each([
    ['another repository of the host', `${host}/acme/other.git`],
    ['another host', 'https://example.org/acme/site.git'],
    ['an address with credentials of its own', 'https://me:secret-one@127.0.0.1:8443/acme/site.git'],
    ['an address for ssh', 'git@127.0.0.1:acme/site.git'],
  ])('gets no token for %s', async (_title, url) => {
    const { server, fake, send } = await openGithubWith({ workflow: { repository: { url } } }, {});
    await send(here(push()));
    const claimed = await claim(server, 'w0');
    expect((await ask(server, claimed)).body.checkout).toMatchObject({ credentials: null });
    expect(fake.tokens).toEqual([]);
  });

  test('sends no token to a host that only the payload names', async () => {
    const { server, fake, send } = await openGithubWith({}, {});
    const stranger = { ...push().repository, clone_url: 'https://evil.example/acme/site.git' };
    await send(push({ repository: stranger }));
    expect((await ask(server, await claim(server, 'w0'))).body.checkout).toMatchObject({ credentials: null });
    expect(fake.tokens).toEqual([]);
  });

  test('goes without a token where there is no App, and says why GitHub refuses one', async () => {
    const alone = await openGithubWith({ hasApp: false }, {});
    await alone.send(here(push()));
    const lone = await claim(alone.server, 'w0');
    expect((await ask(alone.server, lone)).body.checkout).toMatchObject({ credentials: null, note: null });
    const { server, fake, send } = await openGithubWith({}, {});
    await send(here(push()));
    fake.faults.push({ status: 404, message: 'Not Found' });
    const { checkout } = (await ask(server, await claim(server, 'w0'))).body;
    expect(checkout).toMatchObject({
      credentials: null,
      note: expect.stringContaining('Install the App there'),
    });
  });

  test('is asked for again when GitHub does not answer, as late as it says', async () => {
    const { server, fake, send } = await openGithubWith({}, {});
    await send(here(push()));
    const claimed = await claim(server, 'w0');
    fake.faults.push({ status: 429, headers: { 'retry-after': '7' } });
    const { status, headers, body } = await ask(server, claimed);
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
    expect(JSON.stringify(body)).toContain('KERUTA_ERR_GITHUB_UNAVAILABLE');
    expect((await ask(server, claimed)).status).toBe(200);
  });

  test.each([
    ['of a push: its commit', 'push', push(), sha('b')],
    ['of a tag: its commit', 'push', push({ ref: 'refs/tags/v1' }), sha('b')],
    ['of a pull request: its last commit', 'pull_request', pullRequest(), sha('c')],
    ['of a new branch: the branch', 'create', branchMade, 'refs/heads/topic'],
    ['of a deleted branch: that of the session', 'push', branchGone, null],
    ['of a comment: that of the session', 'issue_comment', issueComment(), null],
  ])('stands at the ref %s', async (_title, event, payload, ref) => {
    const all = event === 'push' ? { tags: '**', branches: '**', deleted: true } : {};
    const { server, send } = await openGithubWith({}, { events: [event], ...all });
    await send(here(payload), { 'x-github-event': event });
    expect((await claim(server, 'w0')).task.ref).toBe(ref);
  });

  test('leaves the ref that the workflow names, and the one of another repository', async () => {
    const run = { script: 'true', ref: 'stable' };
    const named = await openGithubWith({ workflow: { run } }, {});
    await named.send(here(push()));
    expect((await claim(named.server, 'w0')).task.ref).toBe('stable');
    const repository = { url: 'https://example.org/tools/scripts.git' };
    const other = await openGithubWith({ workflow: { repository } }, {});
    await other.send(here(push()));
    expect((await claim(other.server, 'w0')).task.ref).toBeNull();
  });

  test('is that of the task whose end another one follows, too', async () => {
    const { server, fake, send } = await openGithubWith({ workflow: { onError: 'true' } }, {});
    await send(here(push()));
    await end(server, await claim(server, 'w0'), 1);
    const hook = await claim(server, 'w0');
    expect(hook).toMatchObject({ asksForCheckout: true, task: { ref: sha('b') } });
    expect((await ask(server, hook)).body.checkout.credentials.password).toBe(fake.tokens[0]);
  });

  test('is not asked for by tasks that GitHub has nothing to do with', async () => {
    const { server } = await openGithubWith({}, {});
    await server.call('POST', 'workflows/w0/fire', {});
    const claimed = await claim(server, 'w0');
    expect(claimed.asksForCheckout).toBeUndefined();
    expect((await ask(server, claimed)).body.checkout).toBeNull();
  });
});
