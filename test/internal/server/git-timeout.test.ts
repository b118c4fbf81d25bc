import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from './start-server.ts';

/** S-24: how long git may take for the checkouts of a session. */
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

let made = 0;
const create = (gitTimeoutSeconds?: unknown) =>
  server.call('POST', 'sessions', { name: `s${made++}`, gitTimeoutSeconds });

test.each([1, 600, 86_400])('S-24: a session may have a limit of %i s', async (seconds) => {
  const { status, body } = await create(seconds);
  expect([status, body.gitTimeoutSeconds]).toEqual([201, seconds]);
  expect((await server.call('GET', `sessions/${body.id}`)).body).toEqual(body);
});

test.each([0, -1, 1.5, 86_401, '60'])('a limit of %j is refused by name', async (seconds) => {
  const { status, body } = await create(seconds);
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain('gitTimeoutSeconds');
});

test('a session that says none leaves it to the agent, and a claim tells it', async () => {
  expect((await create()).body.gitTimeoutSeconds).toBeNull();
  const { body: session } = await create(90);
  await server.call('POST', 'tasks', { sessionId: session.id, name: 't', script: 'true' });
  const claim = { agentId: 'a', claimId: 'c', waitMs: 0 };
  const { body } = await server.call('POST', `sessions/${session.id}/claim`, claim);
  expect(body.session.gitTimeoutSeconds).toBe(90);
});

test('a change that does not speak of it leaves it; null takes it away', async () => {
  const { body: session } = await create(90);
  const change = (more: object) =>
    server.call('PUT', `sessions/${session.id}`, { name: session.name, ...more });
  expect((await change({ description: 'd' })).body).toMatchObject({
    gitTimeoutSeconds: 90,
    description: 'd',
  });
  expect((await change({ gitTimeoutSeconds: null })).body.gitTimeoutSeconds).toBeNull();
});
