import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ConnectionLimits, Connections } from '../../../internal/server/connections.ts';
import { isLoopback, readTrustedProxies } from '../../../internal/server/trusted-proxies.ts';
import { head, openRaw, parseRaw } from './raw-http.ts';
import { startServer } from './start-server.ts';

/** A bare HTTP server that counts, and answers each request with what it is refused with, or with 200. */
async function counting(limits: Partial<ConnectionLimits>) {
  const connections = new Connections({
    ...{ maxConnections: 1_000, maxConnectionsPerAddress: 50, isProxy: () => false, isLocal: () => false },
    ...limits,
  });
  // none is closed because opening the others takes long
  const http = createServer({ keepAliveTimeout: 0 }, ({ socket }, response) => {
    const refusal = connections.refusal(socket);
    response.writeHead(refusal ? 429 : 200, { connection: refusal ? 'close' : 'keep-alive' });
    response.end(JSON.stringify(refusal ? { code: refusal.code, ...refusal.details } : {}));
  });
  connections.watch(http);
  await new Promise<void>((done) => {
    http.listen(0, '127.0.0.1', done);
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const opened: Awaited<ReturnType<typeof openRaw>>[] = [];
  onTestFinished(() => {
    for (const { socket } of opened) socket.destroy();
    http.closeAllConnections();
    http.close();
  });
  /** Opens a connection, asks once. @returns the status, 0 when it was closed without a word */
  const ask = async () => {
    const raw = await openRaw({ url });
    opened.push(raw);
    raw.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    let isClosed = false;
    void raw.closed.then(() => {
      isClosed = true;
    });
    await expect.poll(() => isClosed || raw.text().includes('}')).toBe(true);
    return { status: parseRaw(raw.text()).status, text: raw.text(), raw };
  };
  return { ask, opened };
}

describe('S-49: connections', () => {
  test('50 from one address are served, the next one is told why not', async () => {
    const { ask } = await counting({});
    for (let count = 0; count < 50; count++) expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('"limit":"maxConnectionsPerAddress","max":50');
  });

  test('a place is free again when a connection has gone', async () => {
    const { ask } = await counting({ maxConnectionsPerAddress: 1 });
    const first = await ask();
    expect((await ask()).status).toBe(429);
    first.raw.socket.destroy();
    await expect.poll(async () => (await ask()).status).toBe(200);
  });

  test('the limit of all holds for addresses without one of their own, and a crowd is cut off unheard', async () => {
    const { ask, opened } = await counting({ maxConnections: 3, isLocal: () => true });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count++) statuses.push((await ask()).status);
    expect(statuses).toEqual([200, 200, 200]);
    expect(await ask()).toMatchObject({
      status: 429,
      text: expect.stringContaining('"limit":"maxConnections"'),
    });
    // those that say nothing after being let in to be told fill that room too; what is over it is closed at once
    const url = `http://127.0.0.1:${opened[0]!.socket.remotePort}`;
    for (let count = 0; count < 16; count++) opened.push(await openRaw({ url }));
    expect((await ask()).status).toBe(0);
  });

  test('proxies and this machine have no limit of their own', async () => {
    const proxied = await counting({ maxConnectionsPerAddress: 1, isProxy: () => true });
    expect([(await proxied.ask()).status, (await proxied.ask()).status]).toEqual([200, 200]);
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(isLoopback)).toEqual(
      Array(4).fill(true),
    );
    expect(['10.0.0.1', '::', '::ffff:10.0.0.1', '', '127.evil'].map(isLoopback)).toEqual(
      Array(5).fill(false),
    );
  });

  test('the server as a whole answers a connection too many with 429 and takes the next when one has gone', async () => {
    const server = await startServer({ limits: { maxConnections: 2 } });
    onTestFinished(() => server.close());
    const [first, second] = [await openRaw(server), await openRaw(server)];
    const third = await openRaw(server);
    third.socket.write(`${head('GET', '/api/v1/sessions')}\r\n`);
    const text = await third.closed;
    expect(parseRaw(text)).toEqual({ status: 429, code: 'KERUTA_ERR_RATE_LIMITED' });
    expect(text).toMatch(/retry-after: 5\r\n/i);
    first.socket.destroy();
    await expect.poll(() => server.call('GET', 'sessions').then(({ status }) => status)).toBe(200);
    second.socket.destroy();
  });
});

describe('S-51: proxies', () => {
  test('are read from addresses and networks of both families', () => {
    const isProxy = readTrustedProxies(['10.0.0.0/8', '192.168.1.5', 'fd00::/8', '::1']);
    const asked = ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.5', 'fd12::1', '::1'];
    expect(asked.map(isProxy)).toEqual(Array(5).fill(true));
    expect(['11.0.0.1', '192.168.1.6', 'fe80::1', '', 'x', '10.0.0'].map(isProxy)).toEqual(
      Array(6).fill(false),
    );
    expect(readTrustedProxies([])('127.0.0.1')).toBe(false);
  });

  test.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/8/8', 'fd00::/129', ''])(
    'the entry %j is refused',
    (entry) => {
      expect(() => readTrustedProxies([entry])).toThrow(/trusted proxy/);
    },
  );

  /** How many of some event readers at once are let in, each naming another or the same client. */
  async function admitted(trustedProxies: readonly string[], addressOf: (index: number) => string) {
    const server = await startServer({ limits: { trustedProxies, maxConnectionsPerAddress: 2 } });
    const stop = new AbortController();
    const headers = (index: number) => ({
      authorization: 'Bearer krt_adm_test-token-of-the-administrator',
      'x-forwarded-for': addressOf(index),
    });
    const answers: Response[] = [];
    for (let index = 0; index < 4; index++) {
      const url = `${server.url}/api/v1/sessions/realtime/events`;
      answers.push(await fetch(url, { headers: headers(index), signal: stop.signal }));
    }
    stop.abort();
    await server.close();
    // not before: a stream is closed when its answer is garbage
    return answers.map(({ status }) => status);
  }

  test('X-Forwarded-For of anybody else is not looked at', async () => {
    expect(await admitted([], () => '203.0.113.7')).toEqual([200, 200, 200, 200]);
    expect(await admitted(['10.0.0.0/8'], () => '203.0.113.7')).toEqual([200, 200, 200, 200]);
  });

  test('a client behind a trusted proxy has the limit of an address, others behind it are not touched', async () => {
    expect(await admitted(['127.0.0.1'], () => '203.0.113.7')).toEqual([200, 200, 429, 429]);
    expect(await admitted(['127.0.0.1'], (index) => `203.0.113.${index}`)).toEqual([200, 200, 200, 200]);
  });

  test('what a client writes into the header before the proxy does, changes nothing', async () => {
    const forged = (index: number) => `198.51.100.${index}, 203.0.113.7`;
    expect(await admitted(['127.0.0.1'], forged)).toEqual([200, 200, 429, 429]);
  });
});
