/**
 * A small HTTP server for one machine's own use. Loopback is no border: any web page a person visits can send requests to
 * it, and any user of the machine can connect. So each request must name this server as its host, must not come from a
 * page elsewhere, and, except for open routes, must carry the bearer token. The same routes can be served on a socket in
 * the file system, see unix-socket.ts: there the file's mode says who may ask.
 */
import type { Server } from 'node:http';
import { closeServer, createLocalServer } from './answer-request.ts';

/** One thing that can be asked. */
export interface LocalRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** exact, but for parts that begin with a colon: `/things/:id` takes any one part there */
  readonly path: string;
  /** whether it answers without the token; only for what anybody may know */
  readonly open?: boolean;
  /** @param body  the parsed JSON of a POST; else null */
  answer(body: unknown, asked: LocalQuestion): Promise<LocalAnswer> | LocalAnswer;
}

/** What the address of a request says. */
export interface LocalQuestion {
  /** the parts that stand where the route has `:name`, decoded */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** An answer: JSON, or text of a given type. */
export interface LocalAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: { readonly type: string; readonly body: string };
  /** beside those that every answer has; lower case */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is served. */
export interface LocalRoutes {
  readonly routes: readonly LocalRoute[];
  /** largest body of a POST; bytes */
  readonly maxBodyBytes: number;
  /** Told what a route threw; the client sees 500 without details. */
  readonly onFault: (error: unknown) => void;
}

/** How a local server behaves. */
export interface LocalServerOptions extends LocalRoutes {
  /** address to listen on; `localhost` means 127.0.0.1 */
  readonly host: string;
  /** tried in order; 0 = any free one */
  readonly ports: readonly number[];
  /** clients must send it as `Authorization: Bearer …` */
  readonly token: string;
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
    const server = createLocalServer(options, options);
    if (!(await listen(server, { port, host }))) continue;
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    return {
      port: bound,
      url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
      close: () => closeServer(server),
    };
  }
  throw new PortsTakenError(options.ports);
}

function listen(server: Server, at: { readonly port: number; readonly host: string }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(at.port, at.host, () => {
      server.off('error', onError);
      // a connection that could not be accepted (no descriptor left) must not end the process
      server.on('error', () => {});
      resolve(true);
    });
  });
}
