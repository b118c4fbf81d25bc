import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { DeniedError, UnavailableError } from '../../../internal/domain/errors.ts';
import { type Route, route } from '../../../internal/server/route.ts';
import { routes as allRoutes } from '../../../internal/server/routes.ts';
import { StandingAccess } from '../../../internal/server/standing-access.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { makeTask } from './claims-client.ts';
import { openRaw } from './raw-http.ts';
import { startServer, type TestServer } from './start-server.ts';

/** Everything that a token may have under way has ended after this; ms. */
const mostMs = 5_000;

const endless: Route = route({
  method: 'GET',
  path: '/endless',
  access: ['admin', 'session', 'read-only'],
  summary: '',
  tag: 'test',
  handle: async () => ({
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: (async function* () {
      for (;;) yield 'x'.repeat(65_536);
    })(),
  }),
});

let clock: TestClock;
/** Where tokens are revoked, and another server over the same store, which hears of it by itself. */
let office: TestServer;
let server: TestServer;
let own: Awaited<ReturnType<typeof makeTask>>;

beforeEach(async () => {
  clock = new TestClock();
  office = await startServer({ clock });
  const { store, blob } = office.parts;
  server = await startServer({ clock, parts: { store, blob }, routes: [...allRoutes, endless] });
  onTestFinished(async () => {
    await server.close();
    await office.close();
  });
  own = await makeTask(office);
});

async function mint(more: object = {}): Promise<{ token: string; id: string }> {
  const wish = { scope: 'session', sessionId: own.session.id, ...more };
  return (await office.call('POST', 'tokens', wish)).body;
}

/** Lets at most `mostMs` pass, little by little, and waits for what follows of that. */
async function endsInTime(ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  let passed = 0;
  await expect
    .poll(() => {
      if (passed < mostMs) clock.advance(100);
      passed += 100;
      return isOver;
    })
    .toBe(true);
}

const open = (token: string, path: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path.startsWith('/') ? path : `/api/v1/${path}`}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });

/** Reads an answer to its end, however it ends. */
const drained = (response: Response) => response.text().catch(() => 'cut off');

describe('S-05: a token that is revoked through one server', () => {
  test.each(['sessions/:id/events', 'sessions/realtime/events?sessionId=:id', 'sessions/realtime/events'])(
    'ends the open stream %s of another within 5 s',
    async (path) => {
      const { token, id } = await mint();
      const stream = await open(token, path.replace(':id', own.session.id));
      expect(stream.status).toBe(200);
      await office.call('DELETE', `tokens/${id}`);
      await endsInTime(drained(stream));
    },
  );

  test('ends the stream of a task, while that of another token goes on', async () => {
    const [gone, kept] = [await mint(), await mint()];
    const stop = new AbortController();
    const goes = await open(gone.token, `tasks/${own.task.id}/events`);
    const stays = await open(kept.token, `tasks/${own.task.id}/events`, { signal: stop.signal });
    const reader = stays.body!.getReader();
    await office.call('DELETE', `tokens/${gone.id}`);
    await endsInTime(drained(goes));
    // the other one still hears what happens
    await office.call('PUT', `tasks/${own.task.id}`, { name: 'renamed' });
    await office.call('POST', `tasks/${own.task.id}/cancel`);
    let heard = '';
    while (!heard.includes('CANCELLED')) heard += Buffer.from((await reader.read()).value ?? []).toString();
    expect((await open(kept.token, 'sessions')).status).toBe(200);
    stop.abort();
  });

  test('ends long polls for work and for news of a run', async () => {
    const { token, id } = await mint();
    const headers = { 'content-type': 'application/json' };
    const body = (more: object) => JSON.stringify({ waitMs: 10_000, ...more });
    const { attempt } = await own.claim();
    const renewal = open(token, `tasks/${own.task.id}/attempts/${attempt.number}/renew`, {
      ...{ method: 'POST', headers, body: body({}) },
    });
    const claim = open(token, `sessions/${own.session.id}/claim`, {
      ...{ method: 'POST', headers, body: body({ agentId: 'b', claimId: 'c' }) },
    });
    // both wait when a request that was sent after them is answered
    await open(token, 'sessions');
    await office.call('DELETE', `tokens/${id}`);
    await endsInTime(Promise.all([renewal, claim].map((poll) => poll.catch(() => null))));
  });

  test('cuts off downloads and uploads that are under way', async () => {
    const { token, id } = await mint();
    const download = await open(token, '/endless');
    const reader = download.body!.getReader();
    await reader.read();
    const { attempt } = await own.claim();
    const raw = await openRaw(server);
    const path = `/api/v1/tasks/${own.task.id}/attempts/${attempt.number}/streams/stdout`;
    raw.socket.write(
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nUpload-Offset: 0\r\nContent-Length: 100\r\n\r\nabc`,
    );
    await open(token, 'sessions');
    await office.call('DELETE', `tokens/${id}`);
    await endsInTime(raw.closed);
    const rest = async () => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toThrow();
  });

  test('is refused for new requests within 5 s too, and its successor works at the same time as itself', async () => {
    const [old, next] = [await mint(), await mint()];
    expect((await open(old.token, 'sessions')).status).toBe(200);
    expect((await open(next.token, 'sessions')).status).toBe(200);
    await office.call('DELETE', `tokens/${old.id}`);
    clock.advance(mostMs);
    expect((await open(old.token, 'sessions')).status).toBe(401);
    expect((await open(next.token, 'sessions')).status).toBe(200);
  });

  test('that expires ends what it has under way likewise', async () => {
    const { token } = await mint({ expiresInSeconds: 60 });
    const stream = await open(token, `sessions/${own.session.id}/events`);
    expect(stream.status).toBe(200);
    clock.advance(60_000);
    await endsInTime(drained(stream));
  });
});

describe('access that stands', () => {
  const standingOf = (check: () => Promise<unknown>) => {
    const raw = Object.assign(new EventEmitter(), { destroyed: false, destroy: () => raw.emit('close') });
    const ends: Error[] = [];
    return { reply: { raw } as never, check, end: (reason: Error) => ends.push(reason), ends, raw };
  };
  const denied = () => Promise.reject(new DeniedError('KERUTA_ERR_UNAUTHENTICATED', 'revoked'));
  const away = () => Promise.reject(new UnavailableError('KERUTA_ERR_STORE_UNAVAILABLE', 'away'));

  test('is not taken away by a store that cannot be asked', async () => {
    const clock = new TestClock();
    const access = new StandingAccess(clock);
    let asked = 0;
    const one = standingOf(() => {
      asked++;
      return away();
    });
    access.watch(one);
    const later = standingOf(denied);
    access.watch(later);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return asked;
      })
      .toBeGreaterThan(5);
    expect(one.ends).toEqual([]);
    expect(later.ends).toHaveLength(1);
  });

  test('is looked after only as long as it is used', async () => {
    const clock = new TestClock();
    const access = new StandingAccess(clock);
    const one = standingOf(denied);
    access.watch(one);
    one.raw.emit('close');
    clock.advance(60_000);
    const two = standingOf(denied);
    access.watch(two);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return two.ends.length;
      })
      .toBe(1);
    expect(one.ends).toEqual([]);
  });
});
