import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../../internal/server/routes.ts';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** The rows that an action left in audit and ledger, oldest first. */
async function rowsOf(action: () => Promise<unknown>) {
  const { store } = server.parts;
  const all = async () => [
    ...(await store.ledger({}, { limit: 1_000 })).map((entry) => ({ ...entry, action: entry.kind })),
    ...(await store.audit({ limit: 1_000, offset: 0 })),
  ];
  const before = new Set((await all()).map(({ id }) => id));
  await action();
  return (await all()).filter(({ id }) => !before.has(id)).reverse();
}

describe('S-07: the audit', () => {
  test('has one row for each act of a person, with who and when', async () => {
    const { session, task, add } = await makeTask(server);
    const other = await add();
    const token = (await server.call('POST', 'tokens', { scope: 'session', sessionId: session.id })).body;
    const by = { authorization: `Bearer ${token.token}` };
    const acts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['token.create', () => server.call('POST', 'tokens', { scope: 'read-only' })],
      [
        'task.submit',
        () => server.call('POST', 'tasks', { sessionId: session.id, name: 'n', script: 'x' }, by),
      ],
      ['task.edit', () => server.call('PUT', `tasks/${task.id}`, { name: 'other' }, by)],
      ['task.cancel', () => server.call('POST', `tasks/${task.id}/cancel`, undefined, by)],
      ['task.retry', () => server.call('POST', `tasks/${task.id}/retry`, undefined, by)],
      ['task.delete', () => server.call('DELETE', `tasks/${other.id}`, undefined, by)],
      ['token.revoke', () => server.call('DELETE', `tokens/${token.id}`)],
      ['session.create', () => server.call('POST', 'sessions', { name: 'audited' })],
      ['session.delete', () => server.call('DELETE', `sessions/${session.id}`)],
    ];
    for (const [action, act] of acts) {
      const rows = await rowsOf(act);
      expect(rows.map((row) => row.action)).toEqual([action]);
      expect(rows[0]?.at).toBeGreaterThan(0);
      const isByToken = action.startsWith('task.');
      if (isByToken) expect(rows[0]).toMatchObject({ actor: token.id, sessionId: session.id });
    }
  });

  test('has one row for an answer to a question, without the answer', async () => {
    const { task } = await makeTask(server);
    await server.call('PUT', `tasks/${task.id}/status`, { status: 'PROCESSING' });
    await server.call('POST', `tasks/${task.id}/input-request`, { prompt: 'p' });
    const rows = await rowsOf(() => server.call('POST', `tasks/${task.id}/input`, { input: 'my password' }));
    expect(rows).toMatchObject([{ action: 'task.input', taskId: task.id }]);
    expect(JSON.stringify(rows)).not.toContain('my password');
  });

  test('cannot be changed or removed through any route', () => {
    const records = routes.filter(({ path }) => /audit|ledger/.test(path));
    expect(records.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

test('S-02: nothing in the store of a server is a token', async () => {
  const made = (await server.call('POST', 'tokens', { scope: 'admin' })).body;
  const { claim } = await makeTask(server);
  const { attempt } = await claim();
  const { store } = server.parts;
  const kept = JSON.stringify([await store.tokens(), await store.audit({ limit: 1_000, offset: 0 })]);
  expect(kept).toContain(made.id);
  for (const secret of [made.token, attempt.token]) expect(kept).not.toContain(secret);
});
