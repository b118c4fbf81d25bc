import { createHmac } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { GithubApp } from '../../../pkg/github/app.ts';
import { readAppKey } from '../../../pkg/github/app-key.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { startFakeGithub } from '../../pkg/github/fake-github.ts';
import { commits, pullRequest, push, repository } from '../trigger/github/payloads.ts';
import { startServer } from './start-server.ts';

const secrets = ['a-secret-of-more-than-thirty-two-bytes', 'the-one-before-of-more-than-32-bytes'];
let count = 0;

/** A server with an App at a fake GitHub, and one workflow for each trigger. */
async function open(...triggers: object[]) {
  const fake = await startFakeGithub();
  const http = makeHttp({ userAgent: 'test' });
  const { url: apiUrl, appId, pem } = fake;
  const app = new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock: systemClock });
  const server = await startServer({ parts: { github: { secrets, app } } });
  onTestFinished(async () => {
    await server.close();
    await http.close();
    await fake.close();
  });
  for (const [n, trigger] of triggers.entries()) {
    const one = { type: 'github', repository: 'acme/*', events: ['push', 'pull_request'], ...trigger };
    const made = await server.call('POST', 'workflows', {
      name: `w${n}`,
      run: 'true',
      overlap: 'allow',
      triggers: [one],
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
  }
  const send = async (body: unknown, more: Readonly<Record<string, string>> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${server.url}/api/v1/public/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': `d-${++count}`,
        'x-hub-signature-256': sign(text),
        ...more,
      },
      body: text,
    });
    // biome-ignore lint/suspicious/noExplicitAny: looked at as a client without types does
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  return { server, fake, send };
}

function sign(text: string, secret = secrets[0] ?? ''): string {
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
}

describe('a delivery of GitHub', () => {
  test('runs every trigger that waits for it, and no other', async () => {
    const { send, server } = await open(
      {},
      { branches: 'main' },
      { branches: 'other' },
      { events: ['issues'] },
    );
    const { status, body } = await send(push());
    expect([status, body.status]).toEqual([202, 'accepted']);
    expect(body.triggers).toMatchObject([
      { workflow: 'w0', status: 'accepted', reason: 'event' },
      { workflow: 'w1', status: 'accepted', reason: 'event' },
      { workflow: 'w2', status: 'skipped', reason: 'filtered', taskId: null },
    ]);
    const rows = (await server.call('GET', 'workflows/w2/occurrences')).body;
    expect(rows).toMatchObject([{ details: { filteredBy: 'branch' } }]);
    const event = await server.parts.store.triggerEvent(
      (await server.call('GET', 'workflows/w0/occurrences')).body[0].eventId,
    );
    expect(event).toMatchObject({
      kind: 'push',
      data: { repository: { fullName: 'acme/site', isPrivate: true }, payload: push() },
    });
  });

  test('F-79, F-81: runs once, however often it comes', async () => {
    const { send, server } = await open({});
    const all = await Promise.all(
      Array.from({ length: 20 }, () => send(push(), { 'x-github-delivery': 'same' })),
    );
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    const again = await send(push(), { 'x-github-delivery': 'same' });
    expect([again.status, again.headers.get('x-keruta-duplicate')]).toEqual([200, 'true']);
    expect((await server.call('GET', 'workflows/w0/occurrences')).body).toHaveLength(1);
  });

  test('is taken with the secret before, too', async () => {
    const { send } = await open({});
    const answer = await send(push(), { 'x-hub-signature-256': sign(JSON.stringify(push()), secrets[1]) });
    expect(answer.status).toBe(202);
  });

  test.each([
    ['missing', ''],
    ['of SHA-1', 'sha1=0123456789012345678901234567890123456789'],
    ['short', 'sha256=ab'],
    ['long', `sha256=${'a'.repeat(65)}`],
    ['in upper case', sign(JSON.stringify(push())).toUpperCase()],
    ['not hexadecimal', `sha256=${'z'.repeat(64)}`],
    ['twice', `${sign(JSON.stringify(push()))}, ${sign(JSON.stringify(push()))}`],
    ['of another secret', sign(JSON.stringify(push()), 'guess')],
  ])('F-80: is refused with 401 when its signature is %s', async (_title, signature) => {
    const { send, server } = await open({});
    const { status, body } = await send(push(), { 'x-hub-signature-256': signature });
    expect([status, body.code ?? body.error?.code ?? body.errorCode]).toEqual([401, expect.anything()]);
    expect((await server.call('GET', 'workflows/w0/occurrences')).body).toEqual([]);
  });

  test('is greeted when it is a ping, and ignored when nobody waits for it', async () => {
    const { send } = await open({});
    expect(await send({ zen: 'x' }, { 'x-github-event': 'ping' })).toMatchObject({
      status: 200,
      body: { status: 'pong' },
    });
    expect(await send(push({ repository: repository('other/x') }))).toMatchObject({
      status: 200,
      body: { status: 'ignored' },
    });
    expect(await send({ zen: 'x' }, { 'x-github-event': 'ping', 'x-hub-signature-256': 'x' })).toMatchObject({
      status: 401,
    });
  });

  test.each(['{', '', '\u0000', '[1'])(
    'is refused with 400 when it is signed and no JSON: %j',
    async (text) => {
      const { send } = await open({});
      expect((await send(text)).status).toBe(400);
    },
  );

  test('asks the App for the files of a long push, and goes by the policy when it cannot', async () => {
    const { send, fake } = await open({ paths: 'web/**', unknownPaths: 'skip' });
    const long = push({ commits: commits(20) });
    fake.files = ['web/a.css'];
    expect((await send(long)).body.triggers).toMatchObject([{ reason: 'event' }]);
    fake.files = ['docs/a.md'];
    expect((await send(long)).body.triggers).toMatchObject([{ reason: 'filtered' }]);
    expect((await send(pullRequest(), { 'x-github-event': 'pull_request' })).body.triggers).toMatchObject([
      { reason: 'filtered' },
    ]);
    expect(fake.asked).toContain('GET /repos/acme/site/pulls/7/files');
    fake.fault = 500;
    expect((await send(long)).body.triggers).toMatchObject([{ reason: 'filtered' }]);
  });

  test('W7: does not run when the App of this server caused it', async () => {
    const { send, server } = await open({ ignoreBots: false });
    const sender = (login: string) => push({ sender: { login, type: 'Bot' } });
    expect((await send(sender('keeper[bot]'))).body.triggers).toMatchObject([{ reason: 'filtered' }]);
    expect((await send(sender('other[bot]'))).body.triggers).toMatchObject([{ reason: 'event' }]);
    const rows = (await server.call('GET', 'workflows/w0/occurrences')).body;
    expect(rows[1]).toMatchObject({ details: { filteredBy: 'self_caused' } });
  });

  test('of 25 MiB is taken, a larger one is refused with 413', async () => {
    const { send } = await open({});
    const body = (bytes: number) => push({ filler: 'x'.repeat(bytes) });
    expect((await send(body(24 * 1024 ** 2))).status).toBe(202);
    expect((await send(body(25 * 1024 ** 2))).status).toBe(413);
  });
});
