import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { StartedServer } from '../../../cmd/keruta/roles/start-server.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import { cli } from '../harness.ts';
import { startServerIn } from '../server-in-home.ts';

const secret = 'a secret of more than thirty-two bytes';
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-listener-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  mkdirSync(join(home, '.keruta'));
});

async function serve(webhook: string, log: Log = silentLog): Promise<StartedServer> {
  writeFileSync(
    join(home, '.keruta/automation.toml'),
    `[automation]\nenabled = true\n[automation.webhook]\n${webhook}`,
  );
  const server = await startServerIn(home, { variables: { WEBHOOK_SECRET: secret }, log });
  onTestFinished(() => server.close());
  return server;
}

const signed = (body: string, key = secret) => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  'content-type': 'application/json',
});
const handler = '[[automation.webhook.handlers]]\nevent = "github.push"\nagent = "github.on_push"\n';

test('the port of the automation file takes webhooks, and answers nothing else', async () => {
  const server = await serve(`port = 0\nsecret = "$\{WEBHOOK_SECRET}"\n`);
  const { webhooksUrl } = server;
  const keruta = (...words: string[]) => cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
  writeFileSync(join(home, 'w.yaml'), 'name: github.on_push\nrun: echo pushed\n');
  expect((await keruta('apply', '-f', 'w.yaml')).status).toBe(0);
  writeFileSync(
    join(home, 'automation.toml'),
    `[automation]\n[automation.webhook]\nsecret = "$\{WEBHOOK_SECRET}"\n${handler}`,
  );
  expect(await keruta('apply', '-f', 'automation.toml')).toMatchObject({ status: 0, err: '' });
  const send = (path: string, headers: object, body = '{"ref":"refs/heads/main"}') =>
    fetch(`${webhooksUrl}${path}`, { method: 'POST', body, headers: headers as Record<string, string> });
  const body = '{"ref":"refs/heads/main"}';
  const taken = await send('/webhook/github.push', { ...signed(body), 'x-github-event': 'push' });
  expect([taken.status, await taken.json()]).toEqual([202, expect.objectContaining({ status: 'accepted' })]);
  // hooks that send everything to one address
  const other = await send('/webhook/github.push', { ...signed(body), 'x-github-event': 'star' });
  expect([other.status, await other.json()]).toEqual([202, expect.objectContaining({ status: 'skipped' })]);
  const ping = await send('/webhook/github.push', { ...signed(body), 'x-github-event': 'ping' });
  expect([ping.status, await ping.json()]).toEqual([200, { status: 'pong' }]);
  expect((await send('/webhook/github.push', signed(body, 'wrong'))).status).toBe(401);
  expect((await send('/api/v1/public/webhook/workflow/gone', signed(body))).status).toBe(401);
  for (const path of ['/api/v1/sessions', '/health', '/docs', '/metrics', '/api/v1/public/webhooks/status'])
    expect([path, (await fetch(`${webhooksUrl}${path}`)).status]).toEqual([path, 404]);
});

test('an event of Slack is taken as Slack signs it, by the secret of its handler, and nothing else is', async () => {
  const server = await serve('port = 0\n');
  const keruta = (...words: string[]) => cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
  writeFileSync(join(home, 'w.yaml'), 'name: chat.answer\nrun: echo answered\n');
  expect((await keruta('apply', '-f', 'w.yaml')).status).toBe(0);
  const slack = '[[automation.webhook.handlers]]\nevent = "slack.message"\nagent = "chat.answer"\n';
  writeFileSync(
    join(home, 'automation.toml'),
    `[automation]\n[automation.webhook]\nsecret = "$\{OTHER_SECRET}"\n${slack}secret = "$\{WEBHOOK_SECRET}"\n`,
  );
  expect(await keruta('apply', '-f', 'automation.toml')).toMatchObject({ status: 0, err: '' });
  const send = async (body: string, headers: Record<string, string>) => {
    const answer = await fetch(`${server.webhooksUrl}/webhook/slack.message`, {
      method: 'POST',
      body,
      headers,
    });
    return [answer.status, await answer.json()];
  };
  const bySlack = (body: string) => {
    const at = `${Math.floor(Date.now() / 1000)}`;
    const signature = createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex');
    return { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${signature}` };
  };
  const sent = (type: string, id: string) =>
    JSON.stringify({ type: 'event_callback', event_id: id, event: { type, text: 'hi' } });
  const json = { 'content-type': 'application/json' };
  const message = sent('message', 'E1');
  expect(await send(message, { ...bySlack(message), ...json })).toEqual([
    202,
    expect.objectContaining({ status: 'accepted' }),
  ]);
  const other = sent('reaction_added', 'E2');
  expect(await send(other, { ...bySlack(other), ...json })).toEqual([
    202,
    expect.objectContaining({ status: 'skipped' }),
  ]);
  const greeting = JSON.stringify({ type: 'url_verification', challenge: 'c' });
  expect(await send(greeting, { ...bySlack(greeting), ...json })).toEqual([200, { challenge: 'c' }]);
  expect((await send(message, signed(message)))[0]).toBe(401);
});

test('a port that is taken is said in the log, and the server does its work', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const errors: unknown[] = [];
  const log = {
    ...silentLog,
    error: (message: string, fields?: object) => void errors.push({ message, ...fields }),
  };
  const server = await serve(`port = ${port}\n`, log);
  expect(server.webhooksUrl).toBeNull();
  expect(errors).toEqual([
    {
      message: 'the port of the automation file cannot be taken',
      port,
      reason: expect.stringContaining(`Port ${port} of 127.0.0.1 is in use`),
    },
  ]);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test.each([
  ['switched off', 'enabled = false\nport = 0\n'],
  ['not named', 'enabled = true\n'],
])('a port that is %s opens nothing', async (_what, webhook) => {
  expect((await serve(webhook)).webhooksUrl).toBeNull();
});
