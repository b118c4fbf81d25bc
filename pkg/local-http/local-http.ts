/**
 * A small HTTP server for one machine's own use. Loopback is no border: any web page a person visits can send requests to
 * it, and any user of the machine can connect. So each request must name this server as its host, must not come from a
 * page elsewhere, and, except for open routes, must carry the bearer token.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refuseRequest } from './refuse-request.ts';

/** One thing that can be asked. */
export interface LocalRoute {
  readonly method: 'GET' | 'POST';
  /** exact; no parameters */
  readonly path: string;
  /** whether it answers without the token; only for what anybody may know */
  readonly open?: boolean;
  /** @param body  the parsed JSON of a POST; null for a GET */
  answer(body: unknown): Promise<LocalAnswer> | LocalAnswer;
}

/** An answer: JSON, or text of a given type. */
export interface LocalAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: { readonly type: string; readonly body: string };
}

/** How a local server behaves. */
export interface LocalServerOptions {
  /** address to listen on; `localhost` means 127.0.0.1 */
  readonly host: string;
  /** tried in order; 0 = any free one */
  readonly ports: readonly number[];
  /** clients must send it as `Authorization: Bearer …` */
  readonly token: string;
  readonly routes: readonly LocalRoute[];
  /** largest body of a POST; bytes */
  readonly maxBodyBytes: number;
  /** Told what a route threw; the client sees 500 without details. */
  readonly onFault: (error: unknown) => void;
}

/** Every port that was to be tried is in use. */
export class PortsTakenError extends Error {
  readonly ports: readonly number[];

  constructor(ports: readonly number[]) {
    super(`no port is free: ${ports.join(', ')}`);
    this.name = 'PortsTakenError';
    this.ports = ports;
  }
}

/** A server that listens. */
export interface LocalServer {
  readonly port: number;
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens on the first port that is free.
 * @throws {PortsTakenError}; other faults of listening as Node throws them
 */
export async function serveLocally(options: LocalServerOptions): Promise<LocalServer> {
  const host = options.host === 'localhost' ? '127.0.0.1' : options.host;
  for (const port of options.ports) {
    const server = createServer({
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      connectionsCheckingInterval: 2_000,
    });
    server.on('request', (request, response) => void handle(options, request, response));
    if (!(await listen(server, { port, host }))) continue;
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    return {
      port: bound,
      url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
      close: () => close(server),
    };
  }
  throw new PortsTakenError(options.ports);
}

function listen(server: Server, at: { readonly port: number; readonly host: string }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(at.port, at.host, () => resolve(true));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(
  options: LocalServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    write(response, await answerOf(options, request));
  } catch (error) {
    options.onFault(error);
    write(response, { status: 500, json: { error: 'the request could not be answered' } });
  }
}

async function answerOf(options: LocalServerOptions, request: IncomingMessage): Promise<LocalAnswer> {
  const refused = refuseRequest(request.headers, options.host);
  if (refused !== null) return refused;
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const here = options.routes.filter((route) => route.path === path);
  const route = here.find(({ method }) => method === (request.method === 'HEAD' ? 'GET' : request.method));
  if (route?.open !== true && !isToken(request.headers.authorization, options.token)) {
    return { status: 401, json: { error: 'a bearer token is needed; it stands in the local token file' } };
  }
  if (here.length === 0) return { status: 404, json: { error: 'there is nothing at this address' } };
  if (!route) return { status: 405, json: { error: 'this address does not take this method' } };
  if (route.method === 'GET') return route.answer(null);
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') return { status: 415, json: { error: 'expected application/json' } };
  const body = await readBody(request, options.maxBodyBytes);
  if (body === null)
    return { status: 413, json: { error: `expected at most ${options.maxBodyBytes} bytes` } };
  try {
    return await route.answer(JSON.parse(body));
  } catch (error) {
    if (error instanceof SyntaxError) return { status: 400, json: { error: 'the body is not JSON' } };
    throw error;
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '');
  const expected = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function write(response: ServerResponse, answer: LocalAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const type = answer.text?.type ?? 'application/json';
  const body = answer.text?.body ?? JSON.stringify(answer.json ?? {});
  response.writeHead(answer.status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 413 ? { connection: 'close' } : {}),
  });
  response.end(body);
}
