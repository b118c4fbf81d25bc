import { createHmac } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer, type TestServer } from './start-server.ts';
import { applyHook, github, hostOf, secrets, send } from './webhook-world.ts';

async function open(more: Parameters<typeof hostOf>[0] = {}): Promise<TestServer> {
  const server = await startServer({ parts: { triggerHost: hostOf(more) } });
  onTestFinished(() => server.close());
  return server;
}

const tryOut = (server: TestServer, body: object = {}, workflow = 'w') =>
  server.call('POST', `workflows/${workflow}/test`, body);
const occurrences = async (server: TestServer) =>
  (await server.call('GET', 'workflows/w/occurrences')).body as readonly { reason: string }[];

const hmac = { type: 'hmac', header: 'X-Sign', prefix: 'v=', algorithm: 'sha512', encoding: 'base64url' };
const ways = [
  github,
  { type: 'slack', secretEnv: 'HOOK_SECRET' },
  { type: 'standard', secretEnv: 'HOOK_SECRET' },
  { type: 'stripe', secretEnv: 'HOOK_SECRET' },
  { ...hmac, secretEnv: 'HOOK_SECRET' },
  { type: 'bearer', secretEnv: 'HOOK_SECRET' },
  { type: 'bearer', header: 'x-token', secretEnv: 'HOOK_SECRET' },
  { type: 'basic', user: 'ann', secretEnv: 'HOOK_SECRET' },
  'none',
];

describe('a webhook that is tried out', () => {
  test.each(ways.map((auth) => [typeof auth === 'string' ? auth : auth.type, auth] as const))(
    'with %s takes the delivery that is signed for it, and nothing stays of it',
    async (_, auth) => {
      const server = await open();
      await applyHook(server, { auth });
      const { status, body } = await tryOut(server);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { status: 'fired', method: 'POST', address: 'w' },
      });
      expect(body).toMatchObject({
        triggers: [{ workflow: 'w', trigger: 'webhook', status: 'accepted', reason: 'event', taskId: null }],
      });
      expect(JSON.stringify(body)).not.toContain(secrets.HOOK_SECRET);
      expect(await occurrences(server)).toEqual([]);
      expect((await server.call('GET', 'tasks')).body).toEqual([]);
    },
  );

  test('is run when it is asked for, as a delivery of its own each time', async () => {
    const server = await open();
    await applyHook(server);
    const taskOf = async () => {
      const { body } = await tryOut(server, { run: true });
      const { triggers } = body as { triggers: [{ status: string; taskId: string }] };
      expect(triggers).toMatchObject([{ status: 'accepted' }]);
      return triggers[0].taskId;
    };
    const [first, second] = [await taskOf(), await taskOf()];
    expect(first).not.toBe(second);
    const event = await server.call('GET', `tasks/${first}/event`);
    expect(event.body).toMatchObject({ source: 'webhook', kind: 'push', data: { body: { commits: [] } } });
    const { body: ledger } = await server.call('GET', 'ledger?workflow=w');
    expect(JSON.stringify(ledger)).toContain('trigger.tested');
  });

  test('shows what its filter, its parameters and its policies make of a body', async () => {
    const server = await open();
    const more = { filter: "$.branch == 'main'", parameters: { branch: '$.branch', by: 'headers.x-by' } };
    await applyHook(server, more, { overlap: 'skip' });
    const body = (branch: string) => JSON.stringify({ branch });
    const good = await tryOut(server, { body: body('main'), headers: { 'X-By': 'ann' } });
    expect(good.body).toMatchObject({
      parameters: { branch: 'main', by: 'ann' },
      triggers: [{ status: 'accepted' }],
    });
    const other = await tryOut(server, { body: body('dev') });
    expect(other.body).toMatchObject({ triggers: [{ status: 'skipped', reason: 'filtered' }] });
    // one is under way now
    await send(server.url, { body: body('main') });
    const busy = await tryOut(server, { body: body('main') });
    expect(busy.body).toMatchObject({ triggers: [{ status: 'skipped', reason: 'overlap_skipped' }] });
    await server.call('POST', 'workflows/w/pause', { trigger: 'webhook' });
    const held = await tryOut(server, { body: body('main') });
    expect(held.body).toMatchObject({ triggers: [{ status: 'skipped', reason: 'paused' }] });
    expect(await occurrences(server)).toHaveLength(1);
  });

  test('tells a repetition, a greeting, and what a sender is refused for', async () => {
    const server = await open();
    await applyHook(server);
    await send(server.url, { id: 'd1' });
    const again = await tryOut(server, { headers: { 'X-GitHub-Delivery': 'd1' } });
    expect(again.body).toMatchObject({ triggers: [{ status: 'duplicate' }] });
    const ping = await tryOut(server, { headers: { 'X-GitHub-Event': 'ping' } });
    expect(ping.body).toMatchObject({ status: 'greeting', answer: { status: 'pong' } });
    const bad = await tryOut(server, { body: '{"not": json' });
    expect(bad.body).toMatchObject({ status: 'refused', code: 'KERUTA_ERR_BAD_BODY' });
    const forged = await tryOut(server, { headers: { 'X-Hub-Signature-256': 'sha256=00' } });
    expect(forged.body).toMatchObject({ status: 'refused', code: 'KERUTA_ERR_UNAUTHENTICATED' });
  });

  test('does not use up its rate', async () => {
    const server = await open();
    await applyHook(server, { ratePerMinute: 1 });
    for (let n = 0; n < 5; n++)
      expect((await tryOut(server)).body).toMatchObject({ triggers: [{ status: 'accepted' }] });
    expect((await send(server.url, { id: 'real' })).status).toBe(202);
    const refused = await tryOut(server, { run: true });
    expect(refused.body).toMatchObject({ status: 'refused', code: 'KERUTA_ERR_RATE_LIMITED' });
  });

  test('says which secret the server lacks, and that another type is no webhook', async () => {
    const server = await open({ secret: () => null });
    await applyHook(server);
    expect(await tryOut(server)).toMatchObject({
      status: 400,
      body: { error: { code: 'KERUTA_ERR_CONFIG_MISSING', message: expect.stringContaining('HOOK_SECRET') } },
    });
    await server.call('POST', 'workflows', {
      ...{ name: 'timed', run: 'true' },
      triggers: [{ type: 'cron', expression: '@daily' }],
    });
    expect(await tryOut(server, {}, 'timed')).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('is of type cron') } },
    });
  });
});

test('a signature that was made by hand is the one that is tried out', async () => {
  const server = await open();
  await applyHook(server, { auth: { ...hmac, secretEnv: 'HOOK_SECRET' } });
  const body = 'é, as it is';
  const digest = createHmac('sha512', secrets.HOOK_SECRET ?? '')
    .update(body)
    .digest('base64url');
  const headers = { 'X-Sign': `v=${digest}`, 'Content-Type': 'text/plain' };
  expect((await tryOut(server, { body, headers })).body).toMatchObject({ status: 'fired' });
});
