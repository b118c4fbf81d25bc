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
  test('has one row for each act of a person, with who, when and from where', async () => {
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
      expect(rows[0]?.address).toBe('127.0.0.1');
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

  test('says of a run by hand from where it was asked for', async () => {
    await server.call('POST', 'workflows', { name: 'by-hand', run: 'true' });
    const rows = await rowsOf(() => server.call('POST', 'workflows/by-hand/fire', {}));
    const fired = rows.find(({ action }) => action === 'trigger.fired');
    expect(fired).toMatchObject({ actor: expect.any(String), address: '127.0.0.1' });
  });

  test('has one row for each change of what may run, each run by hand and each override', async () => {
    const { session } = await makeTask(server);
    const { body: by } = await server.call('POST', 'tokens', { scope: 'admin', name: 'ada' });
    const headers = { authorization: `Bearer ${by.token}` };
    const yearly = { name: 'c', type: 'cron', expression: '0 0 1 1 *', timezone: 'UTC' };
    const w = { name: 'w', session: session.name, run: 'true', overlap: 'allow', triggers: [yearly] };
    const theSession = { scope: 'session', name: session.name };
    const range = { from: '2025-12-31T00:00:00Z', to: '2026-01-02T00:00:00Z' };
    const asks = { ...w, name: 'asks', policy: { requireApproval: { role: 'admin' } } };
    const limits = { maxConcurrent: 1_000 };
    const question = async () => (await server.call('GET', 'approvals')).body[0]?.id;
    const acts: readonly (readonly [
      action: string,
      method: string,
      path: string | (() => Promise<string>),
      body?: object,
    ])[] = [
      ['workflow.created', 'POST', 'workflows', w],
      ['workflow.updated', 'POST', 'workflows', { ...w, fallback: 'true' }],
      ['trigger.paused', 'POST', 'workflows/w/pause', { trigger: 'c', reason: 'r' }],
      ['trigger.resumed', 'POST', 'workflows/w/resume', { trigger: 'c' }],
      ['all.paused', 'POST', 'holds', { scope: 'all', reason: 'r' }],
      ['all.resumed', 'POST', 'holds/release', { scope: 'all' }],
      ['session.paused', 'POST', 'holds', { ...theSession, reason: 'r' }],
      ['session.resumed', 'POST', 'holds/release', theSession],
      ['workflow.paused', 'POST', 'holds', { scope: 'workflow', name: 'w', reason: 'r' }],
      ['workflow.resumed', 'POST', 'holds/release', { scope: 'workflow', name: 'w' }],
      ['trigger.fired', 'POST', 'workflows/w/fire', {}],
      ['trigger.fired', 'POST', 'triggers/workflows/w/manual', {}],
      ['trigger.backfilled', 'POST', 'workflows/w/backfill', range],
      ['workflow.migrated', 'PUT', 'workflows/w/migration', { weight: 0.5 }],
      ['policy.set', 'PUT', 'policy', limits],
      ['policy.set', 'PUT', `sessions/${session.id}/policy`, limits],
      ['workflow.created', 'POST', 'workflows', asks],
      ['trigger.fired', 'POST', 'workflows/asks/fire', {}],
      ['approval.approved', 'POST', async () => `approvals/${await question()}/approve`],
      ['trigger.fired', 'POST', 'workflows/asks/fire', {}],
      ['approval.denied', 'POST', async () => `approvals/${await question()}/deny`],
      ['workflow.deleted', 'DELETE', 'workflows/w'],
    ];
    for (const [action, method, path, body] of acts) {
      const address = typeof path === 'string' ? path : await path();
      const rows = await rowsOf(async () => {
        const { status } = await server.call(method, address, body, headers);
        expect([address, status < 300]).toEqual([address, true]);
      });
      // what is told of an execution has a status, and is told besides
      const told = rows.filter((row) => !('status' in row) || row.status === null);
      expect(told).toMatchObject([{ action, actor: by.id, address: '127.0.0.1', at: expect.any(Number) }]);
    }
  });

  test('has no address where the server itself acts', async () => {
    const [own] = (await server.parts.store.ledger({ kind: 'token.create' }, { limit: 1_000 })).slice(-1);
    expect(own).toMatchObject({ actor: 'system', address: null });
  });

  test('is read newest first over HTTP, not by a token of one session', async () => {
    const { session } = await makeTask(server);
    const { body: token } = await server.call('POST', 'tokens', { scope: 'session', sessionId: session.id });
    const { body } = await server.call('GET', 'audit?limit=2');
    expect(body).toHaveLength(2);
    expect(body[0]).toMatchObject({ action: 'task.submit', address: '127.0.0.1', sessionId: session.id });
    expect(body[1]).toMatchObject({ action: 'session.create' });
    expect((await server.call('GET', 'audit?limit=1&offset=1')).body).toEqual([body[1]]);
    const by = { authorization: `Bearer ${token.token}` };
    expect((await server.call('GET', 'audit', undefined, by)).status).toBe(403);
    expect((await server.call('GET', 'audit?limit=1001')).status).toBe(400);
  });

  test('cannot be changed or removed through any route', () => {
    const records = routes.filter(({ path }) => /audit|ledger/.test(path));
    expect(records.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

describe('S-07, S-51: the address on record', () => {
  /** What is on record of a client that says it is somebody else. */
  async function addressOf(trustedProxies: readonly string[], forwarded: string) {
    const other = await startServer({ limits: { trustedProxies } });
    await other.call('POST', 'sessions', { name: 's' }, { 'x-forwarded-for': forwarded });
    const [entry] = await other.parts.store.audit({ limit: 1, offset: 0 });
    await other.close();
    return entry?.address;
  }

  test.each([
    ['of the connection, whatever it forwards', [], '203.0.113.7', '127.0.0.1'],
    ['of the connection when another proxy is trusted', ['10.0.0.0/8'], '203.0.113.7', '127.0.0.1'],
    ['that a trusted proxy names', ['127.0.0.1'], '203.0.113.7', '203.0.113.7'],
    [
      'that a trusted proxy adds, not what the client sent it',
      ['127.0.0.1'],
      '6.6.6.6, 203.0.113.7',
      '203.0.113.7',
    ],
    ['of IPv4 written as IPv6', ['127.0.0.1'], '::ffff:203.0.113.7', '203.0.113.7'],
    ['of IPv6 without its zone', ['127.0.0.1'], 'FE80::1%eth0', 'fe80::1'],
    ['of the proxy when it names none', ['127.0.0.1'], 'unknown', '127.0.0.1'],
    ['of the proxy when it names a text', ['127.0.0.1'], '<script>alert(1)</script>', '127.0.0.1'],
  ] as const)('is the one %s', async (_title, trusted, forwarded, expected) => {
    expect(await addressOf(trusted, forwarded)).toBe(expected);
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
