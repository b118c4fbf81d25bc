import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LocalAnswer, LocalRoutes } from './local-http.ts';
import { refuseRequest } from './refuse-request.ts';

/** Who may ask. */
export interface LocalGate {
  /** what the server listens on, beside the loopback names; `''` when it is no address */
  readonly host: string;
  /** clients must send it as `Authorization: Bearer …`; null = whoever can connect may ask */
  readonly token: string | null;
}

/**
 * More connections than this are closed at once: whoever can connect must not take the descriptors that the process needs
 * for its work. Those who ask are few, and are answered at once.
 */
const maxConnections = 8;

/** Makes an HTTP server that answers by the routes and listens nowhere yet. */
export function createLocalServer(what: LocalRoutes, gate: LocalGate): Server {
  const server = createServer({
    requestTimeout: 10_000,
    headersTimeout: 5_000,
    connectionsCheckingInterval: 2_000,
  });
  server.maxConnections = maxConnections;
  server.on('request', (request, response) => void handle(what, gate, { request, response }));
  return server;
}

/** Stops listening and ends all connections. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(
  what: LocalRoutes,
  gate: LocalGate,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  try {
    write(response, await answerOf(what, gate, request));
  } catch (error) {
    what.onFault(error);
    write(response, { status: 500, json: { error: 'the request could not be answered' } });
  }
}

async function answerOf(what: LocalRoutes, gate: LocalGate, request: IncomingMessage): Promise<LocalAnswer> {
  const refused = refuseRequest(request.headers, [gate.host, ownAddress(gate.host, request)]);
  if (refused !== null) return refused;
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const here = what.routes.filter((one) => paramsOf(one.path, path) !== null);
  const route = here.find(({ method }) => method === (request.method === 'HEAD' ? 'GET' : request.method));
  const asked = { params: paramsOf(route?.path ?? '', path) ?? {}, query: new URLSearchParams(query) };
  if (route?.open !== true && gate.token !== null && !isToken(request.headers.authorization, gate.token)) {
    return { status: 401, json: { error: 'a bearer token is needed; it stands in the local token file' } };
  }
  if (here.length === 0) return { status: 404, json: { error: 'there is nothing at this address' } };
  if (!route) return { status: 405, json: { error: 'this address does not take this method' } };
  if (route.method !== 'POST') return route.answer(null, asked);
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') return { status: 415, json: { error: 'expected application/json' } };
  const body = await readBody(request, what.maxBodyBytes);
  if (body === null) return { status: 413, json: { error: `expected at most ${what.maxBodyBytes} bytes` } };
  try {
    return await route.answer(JSON.parse(body), asked);
  } catch (error) {
    if (error instanceof SyntaxError) return { status: 400, json: { error: 'the body is not JSON' } };
    throw error;
  }
}

/** The parts of an address that a route leaves open; null: it is another address. */
function paramsOf(route: string, path: string): Readonly<Record<string, string>> | null {
  const [wanted, given] = [route.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const found = given[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== found) return null;
    } else {
      const value = decoded(found);
      if (value === null || value === '') return null;
      params[part.slice(1)] = value;
    }
  }
  return params;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The address that a connection came in at, for a server that listens on all of them: no foreign DNS leads to that name. */
function ownAddress(host: string, request: IncomingMessage): string {
  if (host !== '0.0.0.0' && host !== '::') return '';
  return (request.socket.localAddress ?? '').replace(/^::ffff:/, '');
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
    ...answer.headers,
    ...(answer.status === 413 ? { connection: 'close' } : {}),
  });
  response.end(body);
}
