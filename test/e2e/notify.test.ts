import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NotificationWire } from '../../internal/api/notification-shapes.ts';
import { isSigned } from '../../internal/trigger/webhook/signatures.ts';
import { type FakeServer, startFakeServer } from '../fake-server/fake-server.ts';
import { type FakeSmtp, startFakeSmtp } from '../pkg/mail/fake-smtp.ts';
import { makePlace } from './place.ts';

/** What people are told, with real programs: a web server, a mail server, and one that hangs. */
const place = makePlace('notify');
let web: FakeServer;
let smtp: FakeSmtp;
let hanging: FakeSmtp;
beforeAll(async () => {
  web = await startFakeServer();
  web.route('POST', '/slack/a-secret-path', { status: 200, text: 'ok' });
  web.route('POST', '/pager', { status: 200, json: { words: 'of the other side' } });
  smtp = await startFakeSmtp();
  hanging = await startFakeSmtp({ hangsAt: 'connection' });
});
afterAll(async () => {
  await place.close();
  await Promise.all([web?.close(), smtp?.close(), hanging?.close()]);
});

const key = 'whsec_c2VjcmV0IG9mIG1vcmUgdGhhbiBhIGZldyBieXRlcw==';

const channels = () => `
channels:
  ops: { type: slack, urlFile: ${place.path('slack-url')} }
  pager: { type: webhook, url: "${web.url}/pager", secretEnv: PAGER_KEY }
  mail:
    { type: mail, host: 127.0.0.1, port: ${smtp.port}, security: none, from: k@example.com, to: ann@example.com }
  stuck:
    { type: mail, host: 127.0.0.1, port: ${hanging.port}, security: none, from: k@example.com, to: ann@example.com }
`;

function settings() {
  place.file('slack-url', `${web.url}/slack/a-secret-path\n`, 0o600);
  return {
    KERUTA_NOTIFY_FILE: place.file('notify.yaml', channels()),
    KERUTA_NOTIFY_ALLOW: '127.0.0.1',
    KERUTA_NOTIFY_TO: 'ops',
    KERUTA_PUBLIC_URL: 'https://keruta.example.com',
    PAGER_KEY: key,
  };
}

const slackTexts = () =>
  web.requests
    .filter(({ path }) => path.startsWith('/slack'))
    .map(({ json }) => (json as { text: string }).text);

describe('a workflow that fails five times and recovers', () => {
  test('is told of at 1, 3 and 5 and when it is over, where it says, and nothing hangs for a mail server that does', async () => {
    const server = await place.server([], { env: { ...place.env, ...settings() } });
    const file = place.file(
      'flaky.yaml',
      [
        'name: flaky',
        'overlap: allow',
        'run: test "$KERUTA_PARAM_GOOD" = yes || { keruta fail --message "the shop is closed"; exit 3; }',
        'notify:',
        '  - {}',
        '  - { to: [pager, mail, stuck], on: [failure, recovery], failures: [5], subject: "{workflow}: {event} {failures}" }',
      ].join('\n'),
    );
    const applied = await place.keruta(['apply', '-f', file]);
    expect([applied.status, applied.stderr]).toEqual([0, '']);
    let agent: { stop(): Promise<unknown> } | null = null;
    const run = async (isGood: boolean) => {
      const more = isGood ? ['--param', 'good=yes'] : [];
      const fired = await place.json<{ taskId: string }>('trigger', 'fire', 'flaky', ...more);
      if (agent === null) {
        const [found] = await place.api<{ id: string }[]>('GET', '/sessions/search?name=flaky');
        agent = await place.daemon(found?.id ?? '', []);
      }
      return place.whole(fired.taskId, 60_000);
    };
    for (let n = 0; n < 5; n++) expect((await run(false)).status).toBe('FAILED');
    expect((await run(true)).status).toBe('COMPLETED');

    await expect.poll(() => slackTexts().length, { timeout: 30_000 }).toBe(4);
    expect(slackTexts().map((text) => text.split('\n')[0])).toEqual([
      '*Workflow flaky failed*',
      '*Workflow flaky failed, 3 times in a row*',
      '*Workflow flaky failed, 5 times in a row*',
      '*Workflow flaky succeeded again, after 5 failures*',
    ]);
    expect(slackTexts()[0]).toContain('the shop is closed');
    expect(slackTexts()[0]).toContain('https://keruta.example.com/api/v1/tasks/');

    const pages = () => web.requests.filter(({ path }) => path === '/pager');
    await expect.poll(() => pages().length, { timeout: 30_000 }).toBe(2);
    for (const { headers, body } of pages()) {
      const request = { headers: headers as Record<string, string>, body, now: Date.now() };
      expect(isSigned({ type: 'standard' }, request, [key])).toBe(true);
    }
    expect(pages().map(({ json }) => (json as { data: { subject: string } }).data.subject)).toEqual([
      'flaky: failure 5',
      'flaky: recovery 5',
    ]);
    await expect.poll(() => smtp.mails.length, { timeout: 30_000 }).toBe(2);
    expect(smtp.mails[0]?.data).toContain('Subject: flaky: failure 5');

    // the one that hangs is listed, with why, and is tried again
    const stuck = async () =>
      (await place.json<NotificationWire[]>('notify', 'list', '--channel', 'stuck')).map(
        ({ error }) => error,
      );
    await expect.poll(stuck, { timeout: 60_000 }).toContain('127.0.0.1 did not answer in time');
    expect(await stuck()).toHaveLength(2);
    const listed = await place.keruta(['notify', 'list', '--all']);
    expect(listed.stdout).toMatch(/sent +ops +failure/);
    expect(listed.stdout).toMatch(/waiting +stuck +failure/);
    const authorization = `Bearer ${place.env.KERUTA_API_TOKEN}`;
    const answer = await fetch(`${server.url}/metrics`, { headers: { authorization } });
    const metrics = await answer.text();
    expect(metrics).toMatch(/keruta_notifications_total\{channel="ops",result="sent"\} 4/);
    // neither the address of Slack nor the key is written anywhere
    expect(server.stderr() + listed.stdout).not.toMatch(/a-secret-path|whsec_/);
    await (agent as { stop(): Promise<unknown> } | null)?.stop();
    await server.stop();
  }, 170_000);
});

describe('keruta notify test', () => {
  test('says whether a channel works, and does not tell what the other side answered', async () => {
    const server = await place.server([], { env: { ...place.env, ...settings() } });
    const good = await place.keruta(['notify', 'test', 'pager']);
    expect([good.status, good.stdout]).toEqual([
      0,
      expect.stringMatching(/^pager \(webhook\) took the message \S+\n$/),
    ]);
    web.route('POST', '/pager', { status: 404, json: { words: 'of the other side' } });
    const bad = await place.keruta(['notify', 'test', 'pager']);
    expect([bad.status, bad.stdout]).toEqual([1, '']);
    expect(bad.stderr).toMatch(
      /^pager \(webhook\) did not take the message: 127\.0\.0\.1:\d+ answered 404\n$/,
    );
    const hung = await place.keruta(['notify', 'test', 'stuck'], { timeoutMs: 60_000 });
    expect([hung.status, hung.stderr]).toEqual([1, expect.stringContaining('did not answer in time')]);
    const strange = await place.keruta(['notify', 'test', 'opps']);
    expect([strange.status, strange.stderr]).toEqual([
      4,
      expect.stringContaining('it has ops, pager, mail, stuck'),
    ]);
    await server.stop();
  }, 120_000);

  test('a target inside the own network is refused at the start, with what to set if it is meant', async () => {
    const { KERUTA_NOTIFY_ALLOW: _, ...closed } = settings();
    const ended = await place.keruta(['server', '--port', '0'], { env: { ...place.env, ...closed } });
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain('KERUTA_NOTIFY_ALLOW');
    expect(ended.stderr).toContain('channel pager');
  });
});

const databaseUrl = process.env.KERUTA_TEST_POSTGRES_URL ?? '';

describe.skipIf(databaseUrl === '')('two servers on one PostgreSQL', () => {
  test('send each message once', async () => {
    const token = `krt_adm_${'tell'.repeat(10)}`;
    const channel = `shared-${process.pid}`;
    web.route('POST', '/shared', { status: 200 });
    const text = `channels:\n  ${channel}: { type: webhook, url: "${web.url}/shared", secretEnv: PAGER_KEY }\n`;
    const env = {
      ...{ ...place.env, KERUTA_ADMIN_TOKEN: token, PAGER_KEY: key, KERUTA_NOTIFY_ALLOW: '127.0.0.1' },
      KERUTA_NOTIFY_FILE: place.file('shared.yaml', text),
    };
    const servers = [];
    for (const data of ['one', 'two']) {
      const args = ['--database-url', databaseUrl, '--data-dir', place.path(data)];
      servers.push(await place.server(args, { env, token }));
    }
    const count = 20;
    await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const session = await place.session(`shared ${process.pid} ${Date.now()} ${n}`);
        const id = await place.submit(session, 'exit 1');
        await place.api('PUT', `/tasks/${id}/status`, { status: 'PROCESSING' });
        await place.api('PUT', `/tasks/${id}/status`, { status: 'FAILED', message: 'no' });
      }),
    );
    const sent = async () =>
      (await place.json<NotificationWire[]>('notify', 'list', '--all', '--channel', channel)).filter(
        ({ state }) => state === 'sent',
      ).length;
    await expect.poll(sent, { timeout: 60_000 }).toBe(count);
    const ids = web.requests
      .filter(({ path }) => path === '/shared')
      .map(({ headers }) => headers['webhook-id']);
    expect([ids.length, new Set(ids).size]).toEqual([count, count]);
    for (const server of servers) await server.stop();
  }, 120_000);
});
