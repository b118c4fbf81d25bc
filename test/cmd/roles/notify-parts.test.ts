import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openNotify } from '../../../cmd/keruta/roles/notify-parts.ts';
import { loadSettings } from '../../../internal/config/load-settings.ts';
import { makeTriggerHost } from '../../../internal/session/trigger-host.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { faults, startFakeServer } from '../../fake-server/fake-server.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { message } from '../../internal/notify/channel-contract.ts';

const ops =
  'channels:\n  ops: { type: slack, urlEnv: SLACK_URL }\n  pager: { type: webhook, url: "https://example.com/", secretEnv: KEY }\n';
const secrets = { SLACK_URL: 'https://hooks.slack.com/services/x', KEY: 'k' };

async function open(text: string | null, env: Readonly<Record<string, string>> = {}, name = 'notify.yaml') {
  const home = mkdtempSync(join(tmpdir(), 'notify-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, name);
  if (text !== null) writeFileSync(file, text);
  const all = { KERUTA_NOTIFY_FILE: file, ...secrets, ...env };
  const { values } = loadSettings({ env: all, isServer: true, home, uid: 0, cwd: home });
  const variable = (wanted: string) => (all as Readonly<Record<string, string | undefined>>)[wanted];
  const { secret } = makeTriggerHost({ isLoopback: true, variable });
  const sources = { clock: systemClock, github: null, publicUrl: null, secret };
  const opened = await openNotify({ version: '1' }, values, sources);
  onTestFinished(() => opened?.close());
  return opened;
}

describe('the channels of a server', () => {
  test('are none without a file', async () => {
    const { values } = loadSettings({ env: {}, isServer: true, home: '', uid: 0, cwd: '/' });
    const sources = { clock: systemClock, github: null, publicUrl: null, secret: () => null };
    expect(await openNotify({ version: '1' }, values, sources)).toBeNull();
  });

  test('are told everything that is usual, unless settings say otherwise', async () => {
    const usual = await open(ops);
    expect(usual?.notify.channels.map(({ name }) => name)).toEqual(['ops', 'pager']);
    expect(usual?.notify.defaults).toMatchObject({ to: ['ops', 'pager'], failures: [1, 3, 5] });
    expect(usual?.secretVariables).toEqual(['SLACK_URL', 'KEY']);
    const own = await open(ops, {
      ...{ KERUTA_NOTIFY_TO: 'pager', KERUTA_NOTIFY_ON: 'failure,disk_low', KERUTA_NOTIFY_FAILURES: '2, 8' },
    });
    expect(own?.notify.defaults).toEqual({ to: ['pager'], on: ['failure', 'disk_low'], failures: [2, 8] });
  });

  test('may be written in TOML', async () => {
    const toml = '[channels.ops]\ntype = "slack"\nurlEnv = "SLACK_URL"\n';
    expect((await open(toml, {}, 'notify.toml'))?.notify.channels).toMatchObject([
      { name: 'ops', type: 'slack' },
    ]);
  });

  test.each([
    [null, {}, 'notify.yaml'],
    ['channels: [', {}, 'notify.yaml'],
    ['channels: {}\n---\nchannels: {}\n', {}, 'expected one document'],
    ['channels: { a: { type: slack } }', {}, 'channels.a'],
    [ops, { SLACK_URL: '' }, 'channel ops of notifications needs the variable SLACK_URL'],
    ['channels: { a: { type: slack, urlFile: /nowhere/url } }', {}, 'needs the file /nowhere/url'],
    [
      'channels: { a: { type: webhook, url: "http://localhost/", secretEnv: KEY } }',
      {},
      'KERUTA_NOTIFY_ALLOW',
    ],
    [ops, { KERUTA_NOTIFY_TO: 'opps' }, 'KERUTA_NOTIFY_TO'],
    [ops, { KERUTA_NOTIFY_ON: 'fail' }, 'KERUTA_NOTIFY_ON'],
    [ops, { KERUTA_NOTIFY_FAILURES: '5,3' }, 'KERUTA_NOTIFY_FAILURES'],
    [ops, { KERUTA_NOTIFY_FAILURES: 'many' }, 'KERUTA_NOTIFY_FAILURES'],
    [ops, { KERUTA_NOTIFY_ALLOW: '10.0.0.0/99' }, 'KERUTA_NOTIFY_ALLOW'],
  ])('of %j with %j are refused at the start, with what is wrong', async (text, env, message) => {
    const error = await open(text, env as Readonly<Record<string, string>>).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'KERUTA_ERR_CONFIG', message: expect.stringContaining(message) });
    for (const secret of Object.values(secrets).filter((one) => one.length > 1))
      expect(String(error)).not.toContain(secret);
  });
});

test('S-47: channels are given up after 5 s without a connection, after 10 s without an answer, and an answer is read up to 64 KiB', async () => {
  const web = await startFakeServer();
  web.route('POST', '/silent', faults.blackHole);
  // four times as much as is read, and no end of it
  web.route('POST', '/endless', {
    stream: async (send, closed) => {
      for (let n = 0; n < 4; n++) send('x'.repeat(64 * 1024));
      await closed;
    },
  });
  const sockets = new Set<Socket>();
  const deaf = createServer((socket) => void sockets.add(socket.on('error', () => {}))).listen(
    0,
    '127.0.0.1',
  );
  await once(deaf, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    deaf.close();
    await web.close();
  });
  const { port } = deaf.address() as AddressInfo;
  const channel = (name: string, url: string) =>
    `  ${name}: { type: webhook, url: "${url}", secretEnv: KEY }\n`;
  const text = `channels:\n${channel('deaf', `https://127.0.0.1:${port}/`)}${channel('silent', `${web.url}/silent`)}${channel('endless', `${web.url}/endless`)}`;
  const opened = await open(text, { KERUTA_NOTIFY_ALLOW: '127.0.0.1' });
  const held = heldUp();
  const send = async (name: string) => {
    const before = performance.now();
    const one = opened?.notify.channels.find((each) => each.name === name);
    const delivery = await one?.send(message, new AbortController().signal);
    return { delivery, tookMs: performance.now() - before };
  };
  const [unconnected, unanswered, endless] = await Promise.all([
    send('deaf'),
    send('silent'),
    send('endless'),
  ]);
  expect(unconnected.delivery).toMatchObject({ isTaken: false, isPassing: true });
  // the clock of the client counts in steps of about a second
  expect(unconnected.tookMs).toBeGreaterThan(4_000);
  expect(unconnected.tookMs).toBeLessThan(9_000 + held());
  expect(unanswered.delivery).toMatchObject({ isTaken: false, why: expect.stringContaining('in time') });
  expect(unanswered.tookMs).toBeGreaterThan(9_000);
  expect(unanswered.tookMs).toBeLessThan(14_500 + held());
  expect(endless.delivery).toEqual({ isTaken: true });
  // not by the limit of time, which an answer without an end would come to
  expect(endless.tookMs).toBeLessThan(9_000 + held());
}, 60_000);
