import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { recorded } from '../../fixtures/github/deliveries.ts';
import { commits, pullRequest, push, repository } from '../trigger/github/payloads.ts';
import { openGithub, openGithubWith, secrets, sign } from './github-world.ts';
import { adminToken } from './start-server.ts';

describe('a delivery of GitHub', () => {
  test('runs every trigger that waits for it, and no other', async () => {
    const { send, server } = await openGithub(
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
      { workflow: 'w2', status: 'skipped', reason: 'filtered', filteredBy: 'branch', taskId: null },
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
    const { send, server } = await openGithub({});
    const all = await Promise.all(
      Array.from({ length: 20 }, () => send(push(), { 'x-github-delivery': 'same' })),
    );
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    const again = await send(push(), { 'x-github-delivery': 'same' });
    expect([again.status, again.headers.get('x-keruta-duplicate')]).toEqual([200, 'true']);
    expect((await server.call('GET', 'workflows/w0/occurrences')).body).toHaveLength(1);
  });

  test('runs once more for an administrator who asks for it with rerun=1, and for nobody else', async () => {
    const { send, server } = await openGithub({});
    const same = { 'x-github-delivery': 'same' };
    await send(push(), same);
    expect((await send(push(), same, '?rerun=1')).status).toBe(401);
    const strange = { ...same, authorization: 'Bearer krt_adm_of-somebody-else-who-is-not-known' };
    expect((await send(push(), strange, '?rerun=1')).status).toBe(401);
    expect((await send(push(), { ...same, authorization: 'Basic bWU6cHc=' })).status).toBe(200);
    const own = { ...same, authorization: `Bearer ${adminToken}` };
    expect((await send(push(), own)).body.status).toBe('duplicate');
    expect(await send(push(), own, '?rerun=1')).toMatchObject({ status: 202, body: { status: 'accepted' } });
    const unsigned = { ...own, 'x-hub-signature-256': 'sha256=x' };
    expect((await send(push(), unsigned, '?rerun=1')).status).toBe(401);
    const rows = (await server.call('GET', 'workflows/w0/occurrences')).body;
    expect(rows.map(({ decision }: { decision: string }) => decision)).toEqual(['run', 'run']);
  });

  test('that runs nothing says so in its answer', async () => {
    const { send } = await openGithub({ branches: 'other' });
    expect(await send(push())).toMatchObject({ status: 200, body: { status: 'skipped' } });
  });

  test('that is refused is told to the operator, once a minute and without its signature', async () => {
    const lines: string[] = [];
    const log = makeStreamLog({
      clock: systemClock,
      write: (line) => void lines.push(line),
      format: 'json',
      level: 'info',
    });
    const { send } = await openGithubWith({ parts: { log } }, {});
    for (let n = 0; n < 3; n++) await send(push(), { 'x-hub-signature-256': sign('x', 'guess') });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('it is not signed with GITHUB_WEBHOOK_SECRET');
    expect(lines[0]).not.toContain(sign('x', 'guess').slice(7));
  });

  test('is taken with the secret before, too', async () => {
    const { send } = await openGithub({});
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
    const { send, server } = await openGithub({});
    const { status, body } = await send(push(), { 'x-hub-signature-256': signature });
    expect([status, body.code ?? body.error?.code ?? body.errorCode]).toEqual([401, expect.anything()]);
    expect((await server.call('GET', 'workflows/w0/occurrences')).body).toEqual([]);
  });

  test('is greeted when it is a ping, and ignored when nobody waits for it', async () => {
    const { send } = await openGithub({});
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
      const { send } = await openGithub({});
      expect((await send(text)).status).toBe(400);
    },
  );

  test('asks the App for the files of a long push, and goes by the policy when it cannot', async () => {
    // the time that GitHub has for an answer does not pass
    const clock = { ...systemClock, after: () => () => {} };
    const wish = { paths: 'web/**', unknownPaths: 'skip' };
    const { send, fake } = await openGithubWith({ parts: { clock } }, wish);
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
    const { send, server } = await openGithub({ ignoreBots: false });
    const sender = (login: string) => push({ sender: { login, type: 'Bot' } });
    expect((await send(sender('keeper[bot]'))).body.triggers).toMatchObject([{ reason: 'filtered' }]);
    expect((await send(sender('other[bot]'))).body.triggers).toMatchObject([{ reason: 'event' }]);
    const rows = (await server.call('GET', 'workflows/w0/occurrences')).body;
    expect(rows[1]).toMatchObject({ details: { filteredBy: 'self_caused' } });
  });

  test('is taken as GitHub has sent it, of every event, and is decided', async () => {
    const events = [...new Set(recorded.map(([event]) => event))].filter((event) => event !== 'ping');
    const { send, server } = await openGithub({ repository: '*/*', events, tags: '*', ignoreBots: false });
    const expected: string[] = [];
    const answered: string[] = [];
    for (const [event, body] of recorded) {
      const { status, body: told } = await send(body, { 'x-github-event': event });
      answered.push(`${event}: ${status < 300} ${told.status === 'ignored' || told.status === 'pong'}`);
      expected.push(`${event}: true ${event === 'ping' || body.repository === undefined}`);
    }
    expect(answered).toEqual(expected);
    const rows = (await server.call('GET', 'workflows/w0/occurrences?limit=1000')).body;
    expect(rows).toHaveLength(expected.filter((one) => one.endsWith('false')).length);
  });

  test('that has no room in a queue is answered 503, and sent again runs what it did not, once', async () => {
    const { send, server } = await openGithubWith({ parts: { maxPendingTasks: 1 } }, {}, {});
    const waiting = (await server.call('POST', 'workflows/w0/fire', {})).body;
    const same = { 'x-github-delivery': 'same' };
    const full = await send(push(), same);
    expect(full).toMatchObject({ status: 503, body: { error: { code: 'KERUTA_ERR_QUEUE_FULL' } } });
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    const runs = async (name: string) =>
      (await server.call('GET', `workflows/${name}/occurrences`)).body.map(
        ({ source, decision }: { source: string; decision: string }) => `${source} ${decision}`,
      );
    // the full one has it not on record, so that it is new there when it comes again
    expect([await runs('w0'), await runs('w1')]).toEqual([['manual run'], ['github run']]);
    await server.call('POST', `tasks/${waiting.taskId}/cancel`);
    const again = await send(push(), same);
    expect(again.status).toBe(202);
    expect(again.body.triggers).toMatchObject([
      { workflow: 'w0', status: 'accepted' },
      { workflow: 'w1', status: 'duplicate' },
    ]);
    expect([await runs('w0'), await runs('w1')]).toEqual([['github run', 'manual run'], ['github run']]);
  });

  test('of 25 MiB is taken, a larger one is refused with 413', async () => {
    const { send } = await openGithub({});
    const body = (bytes: number) => push({ filler: 'x'.repeat(bytes) });
    expect((await send(body(24 * 1024 ** 2))).status).toBe(202);
    expect((await send(body(25 * 1024 ** 2))).status).toBe(413);
  });
});
