import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { watchBody } from '../../../internal/server/body-time.ts';
import { withDeadline } from '../../../internal/server/deadline.ts';
import { defaultLimits } from '../../../internal/server/limits.ts';
import { type Route, route } from '../../../internal/server/route.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { head, openRaw, parseRaw, type RawConnection } from './raw-http.ts';
import { startServer, type TestServer } from './start-server.ts';

const common = { access: ['admin'], summary: '', tag: 'test' } as const;
let ended: unknown = null;
const routes: readonly Route[] = [
  route({ ...common, method: 'POST', path: '/json', handle: async () => ({ status: 200, body: {} }) }),
  route({
    ...common,
    method: 'POST',
    path: '/stream',
    bodyKind: 'stream',
    handle: async ({ stream }) => {
      let bytes = 0;
      for await (const chunk of stream) bytes += (chunk as Buffer).length;
      return { status: 200, body: { bytes } };
    },
  }),
  route({
    ...common,
    method: 'GET',
    path: '/stuck',
    handle: ({ signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          ended = signal.reason;
        });
      }),
  }),
];

/** Opens a connection and sends the beginning of a body. */
async function begin(server: TestServer, path: string, body: string): Promise<RawConnection> {
  const raw = await openRaw(server);
  raw.socket.write(`${head('POST', path, ['Content-Length: 100000'])}\r\n${body}`);
  return raw;
}

/** Drips a byte every so often until the connection is closed. */
function drip({ socket, closed }: RawConnection, everyMs: number, text = 'x'): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  void closed.finally(() => clearInterval(timer));
}

describe('F-64: a client that is slow on purpose', () => {
  let server: TestServer;
  beforeAll(async () => {
    const limits = {
      headersTimeoutMs: 1_000,
      bodyWindowMs: 400,
      bodyTimeoutMs: 1_000,
      uploadTimeoutMs: 1_500,
    };
    server = await startServer({ routes, limits });
  });
  afterAll(() => server.close());

  test('that drips its headers is answered 408 and closed', async () => {
    const raw = await openRaw(server);
    raw.socket.write('GET /json HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    drip(raw, 100);
    expect(parseRaw(await raw.closed)).toEqual({ status: 408, code: 'KERUTA_ERR_REQUEST_TIMEOUT' });
  });

  test('that drips a JSON body is answered 408 and closed, however it goes on', async () => {
    const raw = await begin(server, '/json', '{');
    drip(raw, 50, ' ');
    expect(parseRaw(await raw.closed)).toEqual({ status: 408, code: 'KERUTA_ERR_REQUEST_TIMEOUT' });
  });

  test('that drips a streamed body with less than 1 KB/s is answered 408 and closed', async () => {
    const raw = await begin(server, '/stream', 'x');
    drip(raw, 50);
    expect(parseRaw(await raw.closed)).toEqual({ status: 408, code: 'KERUTA_ERR_REQUEST_TIMEOUT' });
  });

  test('that opens 500 connections and says nothing has them all closed, at no cost of memory', async () => {
    const before = process.memoryUsage.rss();
    const idle = await Promise.all(Array.from({ length: 500 }, () => openRaw(server)));
    // where requests are not read in time, those that ask are closed as well
    const asked = () => expect.poll(async () => (await server.call('POST', '/json', {})).status);
    await asked().toBe(200);
    await Promise.all(idle.map(({ closed }) => closed));
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
    await asked().toBe(200);
  });
});

describe('the time of a body', () => {
  /** A body on a clock of the test: what `came` by then is set by hand. */
  function watched(streamed: boolean) {
    const clock = new TestClock();
    const listeners = new Map<string, () => void>();
    const raw = {
      complete: false,
      readableLength: 0,
      socket: { bytesRead: 0 },
      once: (name: string, action: () => void) => listeners.set(name, action),
    };
    const request = { headers: { 'transfer-encoding': 'chunked' }, raw };
    let late: { code: string } | null = null;
    const onLate = (error: { code: string }) => {
      late = error;
    };
    const what = { request, reply: { raw: { once: () => {} } } } as never;
    watchBody(what, { clock, limits: defaultLimits, streamed, onLate });
    return { clock, raw, isLate: () => late !== null, end: () => listeners.get('end')?.() };
  }

  test('is 30 s for JSON, from its first byte to its last', () => {
    const [one, other] = [watched(false), watched(false)];
    for (const { raw, clock } of [one, other]) {
      for (const ms of [10_000, 10_000, 9_999]) {
        raw.socket.bytesRead += 10 * 1024;
        clock.advance(ms);
      }
    }
    expect(one.isLate()).toBe(false);
    one.clock.advance(1);
    expect(one.isLate()).toBe(true);
    other.end();
    other.clock.advance(60_000);
    expect(other.isLate()).toBe(false);
  });

  test('is 10 min for a streamed one that brings 1 KB/s', () => {
    const one = watched(true);
    for (let passed = 10_000; passed < 600_000; passed += 10_000) {
      one.raw.socket.bytesRead += 10 * 1024;
      one.clock.advance(10_000);
      expect(one.isLate()).toBe(false);
    }
    one.raw.socket.bytesRead += 10 * 1024;
    one.clock.advance(10_000);
    expect(one.isLate()).toBe(true);
  });

  test.each([true, false])(
    'is over for one that brings a byte less than 1 KB/s over 10 s (streamed: %s)',
    (streamed) => {
      const one = watched(streamed);
      one.raw.socket.bytesRead += 10 * 1024 - 1;
      one.clock.advance(9_999);
      expect(one.isLate()).toBe(false);
      one.clock.advance(1);
      expect(one.isLate()).toBe(true);
    },
  );

  test('is not used up while the server does not take what is there', () => {
    const one = watched(true);
    one.raw.readableLength = 1;
    one.clock.advance(300_000);
    expect(one.isLate()).toBe(false);
  });
});

describe('the deadline of a route', () => {
  test('passes on what comes before it, and refuses with 503 after 20 s', async () => {
    const clock = new TestClock();
    const deadline = { clock, ms: defaultLimits.handlerDeadlineMs, onLate: () => {} };
    expect(await withDeadline(Promise.resolve(1), deadline)).toBe(1);
    await expect(withDeadline(Promise.reject(new Error('x')), deadline)).rejects.toThrow('x');
    let late: unknown = null;
    const onLate = (reason: unknown) => {
      late = reason;
    };
    const stuck = withDeadline(new Promise(() => {}), { ...deadline, onLate });
    clock.advance(19_999);
    expect(late).toBeNull();
    clock.advance(1);
    await expect(stuck).rejects.toMatchObject({ code: 'KERUTA_ERR_DEADLINE' });
    expect(late).toMatchObject({ code: 'KERUTA_ERR_DEADLINE' });
  });

  test('answers for a route that hangs, and ends its signal', async () => {
    const server = await startServer({ routes, limits: { handlerDeadlineMs: 50, drainMs: 50 } });
    onTestFinished(() => server.close());
    ended = null;
    const answer = await server.call('GET', '/stuck');
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'KERUTA_ERR_DEADLINE' } } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(ended).toMatchObject({ code: 'KERUTA_ERR_DEADLINE' });
  });
});

test('S-49: the times of a server are those of its table', () => {
  expect(defaultLimits).toMatchObject({
    ...{
      headersTimeoutMs: 10_000,
      bodyTimeoutMs: 30_000,
      uploadTimeoutMs: 600_000,
      keepAliveTimeoutMs: 65_000,
    },
    ...{
      handlerDeadlineMs: 20_000,
      maxConnections: 2_000,
      maxConnectionsPerAddress: 50,
      maxStreamClients: 500,
    },
  });
});

test('a connection between two requests is kept for its time, and closed after it', async () => {
  const server = await startServer({ routes, limits: { keepAliveTimeoutMs: 3_000 } });
  onTestFinished(() => server.close());
  const raw = await openRaw(server);
  const request = `${head('POST', '/json', ['Content-Length: 2'])}\r\n{}`;
  const answered = once(raw.socket, 'data');
  raw.socket.write(request);
  // without the pause of a poll: the time of the connection runs
  await answered;
  raw.socket.write(request);
  const text = await raw.closed;
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
});
