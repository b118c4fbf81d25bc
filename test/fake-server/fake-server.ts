/**
 * A small API server that does as a test says: scripted answers by route, everything that came recorded, and faults.
 *
 *   const server = await startFakeServer();
 *   server.route('GET', '/api/v1/sessions/:id', faults.reset, { json: { id: 's' } });   // in turn; the last one stays
 *   server.route('POST', '/api/v1/tasks', (request) => ({ status: 201, json: { id: 't', ...request.json } }));
 *
 * A route that is set again replaces the former. An unknown route is answered 404 without a body.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as it came. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** the body as JSON; undefined when it is none */
  readonly json: unknown;
}

/** What is done with a request. `then` happens first: with a fault it makes "applied, but the answer was lost". */
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  /** sent piece by piece; the connection ends after them */
  readonly stream?: (send: (text: string) => void, closed: Promise<void>) => Promise<void>;
  /** reset: the connection is cut; black-hole: never answered; cut: half the body, then the connection is cut */
  readonly fault?: 'reset' | 'black-hole' | 'cut';
}

/** An answer, or what makes one. */
export type FakeReply = FakeAnswer | ((request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>);

/** The faults by name. */
export const faults = {
  reset: { fault: 'reset' },
  blackHole: { fault: 'black-hole' },
  error500: { status: 500, text: '' },
  html: {
    status: 200,
    headers: { 'content-type': 'text/html' },
    text: '<html><body>Please log in</body></html>',
  },
  halfJson: { status: 200, headers: { 'content-type': 'application/json' }, text: '{"id": "29229ea1", "na' },
  cut: { fault: 'cut', json: { id: 'cut in the middle of the body', filler: 'x'.repeat(1000) } },
  tooMany: (seconds: number): FakeAnswer => ({ status: 429, headers: { 'retry-after': String(seconds) } }),
  /** the request has its effect, its answer never arrives */
  lost:
    (apply: (request: FakeRequest) => unknown): FakeReply =>
    async (request) => {
      await apply(request);
      return { fault: 'reset' };
    },
} satisfies Record<string, FakeReply | ((...args: never[]) => FakeReply)>;

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly key: string;
  replies: FakeReply[];
}

/** Starts a server on a free port of 127.0.0.1. Close it in a `finally` or an `afterEach`. */
export async function startFakeServer() {
  const requests: FakeRequest[] = [];
  let routes: Route[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => void handle(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function handle(incoming: IncomingMessage, response: ServerResponse) {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk);
    } catch {
      return; // the client went away in the middle
    }
    const method = incoming.method ?? '';
    const route = routes.find((each) => each.method === method && each.pattern.test(url.pathname));
    const params = route?.pattern.exec(url.pathname)?.groups ?? {};
    const body = Buffer.concat(chunks);
    const request: FakeRequest = {
      method,
      path: url.pathname,
      query: url.searchParams,
      params: Object.fromEntries(
        Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
      ),
      headers: incoming.headers,
      body,
      json: parse(body),
    };
    requests.push(request);
    const reply =
      route === undefined
        ? { status: 404 }
        : route.replies.length > 1
          ? route.replies.shift()!
          : route.replies[0]!;
    await answer(typeof reply === 'function' ? await reply(request) : reply, response);
  }

  return {
    url: `http://127.0.0.1:${port}`,
    /** what came, oldest first */
    requests,
    /** `GET /api/v1/tasks` of each request, for traces */
    trace: () => requests.map((request) => `${request.method} ${request.path.replace('/api/v1', '')}`),
    /** @param path with `:name` for one part */
    route(method: string, path: string, ...replies: FakeReply[]) {
      const key = `${method} ${path}`;
      const pattern = new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
      routes = [{ method, pattern, key, replies }, ...routes.filter((each) => each.key !== key)];
    },
    /** Cuts every connection and takes no more until `accept`. */
    async refuse() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
    /** Listens again, at the same address. */
    async accept() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** @see startFakeServer */
export type FakeServer = Awaited<ReturnType<typeof startFakeServer>>;

async function answer(reply: FakeAnswer, response: ServerResponse) {
  if (reply.fault === 'black-hole') return;
  if (reply.fault === 'reset') return void response.socket?.resetAndDestroy();
  const json = reply.json === undefined ? undefined : JSON.stringify(reply.json);
  const content = Buffer.from(reply.bytes ?? json ?? reply.text ?? '');
  const headers = { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...reply.headers };
  const status = reply.status ?? (content.length > 0 || reply.stream ? 200 : 204);
  if (reply.stream) {
    const closed = new Promise<void>((resolve) => response.on('close', resolve));
    response.writeHead(status, headers);
    response.flushHeaders();
    await reply.stream((text) => void response.write(text), closed);
    return void response.end();
  }
  if (reply.fault === 'cut') {
    response.writeHead(status, { ...headers, 'content-length': String(content.length) });
    response.write(content.subarray(0, content.length / 2), () => response.socket?.resetAndDestroy());
    return;
  }
  response.writeHead(status, content.length > 0 ? { ...headers, 'content-length': content.length } : headers);
  response.end(content);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
