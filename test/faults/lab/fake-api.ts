/** Stands before a real API and gives scripted bad answers instead of its good ones, as a broken proxy on the way does. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A request that came. */
export interface SeenRequest {
  /** monotonic; ms */
  readonly at: number;
  readonly method: string;
  /** without query */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** what was done with it; `pass` = the real API answered */
  readonly answer: string;
  /** until the client had its answer or gave up; ms; null = it is under way */
  tookMs: number | null;
}

/** A bad answer: writes what it wants. */
export type BadAnswer = (response: ServerResponse, incoming: IncomingMessage) => void;

const json = { 'content-type': 'application/json' };
const html = { 'content-type': 'text/html' };
const page = '<!doctype html><html><body>Please log in</body></html>';

/** Writes a body of a hundred megabytes, as fast as it is taken. */
function huge(response: ServerResponse): void {
  const piece = Buffer.alloc(1024 * 1024, 0x20);
  let left = 100;
  response.writeHead(200, json);
  response.write('{"claim":null');
  const more = () => {
    while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more);
    response.end('}');
  };
  more();
}

/** Nested so deep that a careless reader runs out of stack. */
function deep(levels: number): string {
  return `{"error":{"code":"KERUTA_ERR_API_UNAVAILABLE","message":"deep","details":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}}`;
}

const bombs = new Map<number, Buffer>();

/** Made once: it takes a second, in which nothing else goes on here. */
function bomb(times: number): Buffer {
  const made = bombs.get(times) ?? makeBomb(times);
  bombs.set(times, made);
  return made;
}

function makeBomb(times: number): Buffer {
  let bytes = gzipSync(Buffer.alloc(100 * 1024 * 1024), { level: 9 });
  for (let time = 1; time < times; time++) bytes = gzipSync(bytes);
  return bytes;
}

/** The bad answers by name. */
export const badAnswers = {
  'the status 429': (response) => response.writeHead(429, { 'retry-after': '3' }).end(),
  'the status 503 with a page': (response) => response.writeHead(503, html).end(page),
  'the status 200 with a page': (response) => response.writeHead(200, html).end(page),
  'the status 200 with half of its JSON': (response) => response.writeHead(200, json).end('{"claim": {"at'),
  'the status 200 with a JSON that is not the one': (response) => response.writeHead(200, json).end('[42]'),
  'the status 200 with nothing': (response) => response.writeHead(200, json).end(),
  'a body of 100 MB': huge,
  'a JSON of 10,000 levels': (response) => response.writeHead(503, json).end(deep(10_000)),
  'a gzip bomb': (response) => response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb(1)),
  'a gzip bomb in a gzip bomb': (response) =>
    response.writeHead(200, { ...json, 'content-encoding': 'gzip, gzip' }).end(bomb(2)),
  'no answer at all': () => {},
  'one byte a second': (response) => {
    response.writeHead(200, { ...json, 'content-length': '100000' });
    const timer = setInterval(() => response.write(' '), 1000);
    response.on('close', () => clearInterval(timer));
  },
} satisfies Record<string, BadAnswer>;

/** A redirect. @param to  address, to which the path is added */
export function redirect(status: number, to: string): BadAnswer {
  return (response, { url }) => response.writeHead(status, { location: `${to}${url}` }).end();
}

/** @see FakeApi.listen */
export class FakeApi {
  /** everything that came, oldest first */
  readonly seen: SeenRequest[] = [];
  /** which requests get the bad answer; default: all */
  concerns: (request: { readonly method: string; readonly path: string }) => boolean = () => true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #bad: { readonly name: string; readonly give: BadAnswer } | null = null;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => this.#handle(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Starts on a free port of 127.0.0.1 and passes everything to the API at `target` for now. */
  static async listen(target: string): Promise<FakeApi> {
    const api = new FakeApi(target);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Gives this answer from now on. */
  answer(name: string, give: BadAnswer): void {
    this.#bad = { name, give };
  }

  /** Passes everything to the real API again. */
  pass(): void {
    this.#bad = null;
  }

  /** What got a bad answer. */
  bad(): readonly SeenRequest[] {
    return this.seen.filter(({ answer }) => answer !== 'pass');
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #handle(incoming: IncomingMessage, response: ServerResponse): void {
    const path = incoming.url?.split('?')[0] ?? '/';
    const method = incoming.method ?? '';
    const bad = this.concerns({ method, path }) ? this.#bad : null;
    const at = performance.now();
    const { headers } = incoming;
    const seen: SeenRequest = { at, method, path, headers, answer: bad?.name ?? 'pass', tookMs: null };
    this.seen.push(seen);
    response.on('close', () => {
      seen.tookMs = performance.now() - at;
    });
    response.on('error', () => {});
    incoming.on('error', () => {});
    if (bad === null) {
      this.#pass(incoming, response);
    } else {
      incoming.resume();
      bad.give(response, incoming);
    }
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { hostname, port } = this.#target;
    const { method, url, headers } = incoming;
    const outgoing = openRequest({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }
}
