import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { hasEnded, pause, type Started, until } from '../e2e/place.ts';
import { FakeApi } from './lab/fake-api.ts';
import { Lab } from './lab/lab.ts';
import { living, slackMs } from './lab/processes.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { rounds, tally } from './lab/rounds.ts';

/** D. A server that no longer knows the agent, or no longer wants its task. */
let lab: Lab;
/** with a lease so short that an agent that is away loses it */
let impatient: Lab;
beforeAll(async () => {
  lab = await Lab.open('estranged');
  impatient = await Lab.open('estranged-soon', [], { KERUTA_LEASE: '3s', KERUTA_BOOT_GRACE: '1s' });
});
afterAll(async () => {
  await lab.close();
  await impatient.close();
});

/** The health of an agent, by its own API. */
async function healthOf(agent: Started): Promise<{ status: string; reasons: readonly string[] }> {
  const port = /127\.0\.0\.1:(\d+)/.exec(agent.stderr().split('the agent is ready')[1] ?? '')?.[1];
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(10_000) });
  return (await answer.json()) as { status: string; reasons: readonly string[] };
}

test('F-44: an agent whose token is revoked in mid-task lets the task go on, keeps all, asks at most twice a minute, and another token delivers it', async () => {
  const session = await lab.place.session('f44');
  const wish = { scope: 'session', sessionId: session };
  const first = await lab.place.api<{ id: string; token: string }>('POST', '/tokens', wish);
  const api = await FakeApi.listen(lab.server.url);
  const env = { KERUTA_API_URL: api.url, KERUTA_API_TOKEN: first.token };
  const agent = await lab.agent(session, { env });
  const lines = 3000;
  const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.5 });
  await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);

  await lab.place.api('DELETE', `/tokens/${first.id}`);
  await until('it says so', async () => (await healthOf(agent)).reasons.includes('api_auth_failed'), 60_000);
  // what was under way at that moment is answered once
  const base = api.seen.length;
  const windowMs = rounds(31_000, 120_000);
  await pause(windowMs);
  const asked = api.seen.slice(base).map(({ method, path }) => `${method} ${path}`);
  const count = asked.length;
  expect(count, `requests in ${windowMs} ms: ${asked}`).toBeLessThanOrEqual(Math.ceil(windowMs / 30_000));
  // a busy machine may add a reason for a while
  await until(
    'nothing else is wrong',
    async () => {
      const { status, reasons } = await healthOf(agent);
      return status === 'degraded' && reasons.join() === 'api_auth_failed';
    },
    60_000,
  );
  expect(agent.child.exitCode).toBeNull();
  expect(hasEnded((await lab.place.task(ledger.id)).status)).toBe(false);

  await agent.stop('SIGKILL');
  const second = await lab.place.api<{ token: string }>('POST', '/tokens', wish);
  const next = await lab.agent(session, { env: { ...env, KERUTA_API_TOKEN: second.token } });
  await lab.check(ledger, {}, 90_000);
  tally({ row: 'F-44', rounds: 1, lines: 2 * lines, note: `${count} requests in ${windowMs / 1000} s` });
  await next.stop('SIGKILL');
  api.close();
});

describe.concurrent('F-45: a run is stopped within a heartbeat and 12 s when its agent comes back and', () => {
  let marks = 0;
  /** A task that never ends, and the time that is allowed after its agent came back. */
  async function offline(name: string, script: string, { onTestFinished }: TestContext) {
    const session = await impatient.place.session(`f45 ${name}`);
    const proxy = await FlakyProxy.listen(impatient.server.port);
    const agent = await impatient.agent(session, { env: { KERUTA_API_URL: proxy.url } });
    const mark = `4500${++marks}.${process.pid}`;
    const up = impatient.place.path(`up-${marks}`);
    const id = await impatient.submit(session, `${script}\nsleep ${mark} &\ntouch ${up}\nsleep ${mark}`);
    await until('it runs', () => existsSync(up), 60_000);
    onTestFinished(async () => {
      await agent.stop('SIGKILL');
      proxy.close();
    });
    proxy.set('refuse');
    await pause(3000);
    return { session, proxy, agent, id, mark };
  }
  const allowedMs = 14_000 + slackMs;

  const cases: readonly [string, string, (id: string, session: string) => Promise<unknown>][] = [
    ['its task was cancelled', '', (id) => impatient.place.api('POST', `/tasks/${id}/cancel`, {})],
    [
      'its task was cancelled, though it ignores SIGTERM',
      'trap "" TERM',
      (id) => impatient.place.api('POST', `/tasks/${id}/cancel`, {}),
    ],
    [
      'its task was deleted as lost',
      '',
      async (id) => {
        await impatient.place.when(id, ({ status }) => status === 'LOST', 60_000);
        await impatient.place.api('DELETE', `/tasks/${id}`);
      },
    ],
    ['its session was deleted', '', (_id, session) => impatient.place.api('DELETE', `/sessions/${session}`)],
  ];
  test.for(cases)('%s', async ([name, script, withdraw], context) => {
    const { session, proxy, agent, id, mark } = await offline(name, script, context);
    await withdraw(id, session);
    expect(living(mark).length).toBeGreaterThan(0);
    proxy.set('pass');
    const backAt = performance.now();
    await until('nothing of it is alive', () => living(mark).length === 0, allowedMs);
    const tookMs = Math.round(performance.now() - backAt);
    if (!name.includes('deleted')) {
      const task = await impatient.place.when(id, ({ status }) => hasEnded(status), 60_000);
      expect(task).toMatchObject({ status: 'CANCELLED', attempt: 1 });
    }
    if (!name.includes('session')) {
      // the agent is free for the next one
      const next = await impatient.submit(session, 'true');
      expect(await impatient.place.ended(next, 60_000)).toMatchObject({ status: 'COMPLETED' });
      expect(agent.child.exitCode).toBeNull();
    }
    tally({ row: 'F-45', rounds: 1, note: `${name}: stopped ${tookMs} ms after the agent was back` });
  });
});
