/**
 * The HTTP skin: turns the list of routes into a listening server. What the routes mean is in `session`; here are
 * addresses, tokens, shapes, limits, errors and the end of a server's life.
 */
import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Log } from '../../pkg/log/log.ts';
import { ConflictError, UnavailableError } from '../domain/errors.ts';
import type { Caller, SessionParts } from '../session/parts.ts';
import { makeAuthenticator } from './auth.ts';
import { acceptJson, acceptStreams, maxJsonBytes, maxStreamBytes } from './bodies.ts';
import { toErrorAnswer } from './error-answer.ts';
import { checkDeclaredLength, Exchange, sendAnswer, Waiting } from './exchange.ts';
import { makeNotFound } from './known-paths.ts';
import { acceptMultipart } from './multipart.ts';
import type { Route } from './route.ts';
import { aboutRoutes } from './routes/about.ts';
import { routes as allRoutes } from './routes.ts';

/** Times after which a server gives up on a client; ms. */
export interface ServerLimits {
  /** for the headers of a request to arrive; default 10 s */
  readonly headersTimeoutMs: number;
  /** for a JSON body to arrive; default 30 s */
  readonly bodyTimeoutMs: number;
  /** for a connection on which nothing moves at all; default 120 s */
  readonly idleTimeoutMs: number;
  /** for a connection between two requests; default 65 s */
  readonly keepAliveTimeoutMs: number;
  /** for requests under way when the server stops; default 10 s */
  readonly drainMs: number;
}

const defaultLimits: ServerLimits = {
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 120_000,
  keepAliveTimeoutMs: 65_000,
  drainMs: 10_000,
};
/** How often node looks for connections whose headers are late; ms. */
const connectionsCheckMs = 1_000;
const maxHeaderBytes = 16 * 1024;
/** How long the rest of a body that was refused is read, so that the client gets to read why; ms. */
const refusedBodyMs = 5_000;

/** What a server is made of. */
export interface ServerOptions {
  readonly parts: SessionParts;
  /** everybody is an administrator; the caller sees to it that the address is a loopback one */
  readonly noAuth: boolean;
  /** SHA-256 of one more admin token, which is not in the store; lower-case hex */
  readonly adminTokenHash?: string;
  /** the program's version, as answers carry it */
  readonly version: string;
  readonly limits?: Partial<ServerLimits>;
  readonly logger: Log;
  /** default: the list in `routes.ts` */
  readonly routes?: readonly Route[];
}

/** A server, not yet listening. */
export interface Server {
  /** Answers a request without a socket, for tests. */
  readonly inject: FastifyInstance['inject'];
  /**
   * Begins to listen.
   * @param at.port  0 = any free one
   * @returns the address to call it by, with the port it got
   * @throws {ConflictError} KERUTA_ERR_PORT_TAKEN
   */
  listen(at: { readonly host: string; readonly port: number }): Promise<{ readonly url: string }>;
  /**
   * Stops: no new requests, long polls and event streams end, the rest may finish within `drainMs`. Twice is once.
   */
  close(): Promise<void>;
}

/** Makes a server. */
export function buildServer(options: ServerOptions): Server {
  const { parts, logger } = options;
  const { clock } = parts;
  const limits = { ...defaultLimits, ...options.limits };
  const waiting = new Waiting();
  const routes = withAbout(options);
  const notFound = makeNotFound(routes);
  const meta = () => ({ version: options.version, now: clock.now() });
  let stopping: Promise<void> | null = null;

  const sendError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const answer = toErrorAnswer(error, meta());
    if (answer.status === 500) {
      logger.error('request failed', { error, method: request.method, route: request.routeOptions.url });
    }
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  };
  const app = newFastify(limits, sendError);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    const { error, allow } = notFound(request.method, request.url);
    if (allow !== '') reply.header('allow', allow);
    return sendError(error, request, reply);
  });
  app.addHook('onRequest', async (_request, reply) => {
    waiting.track(reply);
    reply.header('x-content-type-options', 'nosniff');
    if (stopping === null) return;
    reply.header('connection', 'close');
    throw new UnavailableError('KERUTA_ERR_STOPPING', 'The server is stopping; repeat this in a moment.');
  });

  const authenticator = makeAuthenticator({ ...options, store: parts.store, clock });
  const addRoute = (scope: FastifyInstance, route: Route) => {
    const callers = new WeakMap<FastifyRequest, Caller>();
    const streamed = route.bodyKind === 'stream' || route.bodyKind === 'multipart';
    const maxBytes = route.maxBodyBytes ?? (streamed ? maxStreamBytes : maxJsonBytes);
    scope.route({
      method: route.method,
      url: route.path,
      bodyLimit: maxBytes,
      onRequest: async (request, reply) => {
        callers.set(request, await authenticator.identify(request.headers.authorization, route.access));
        if (streamed) checkDeclaredLength(request, maxBytes);
        else
          limitBodyTime(request, reply, () => clock.after(limits.bodyTimeoutMs, () => request.raw.destroy()));
      },
      onResponse: async ({ raw }) => {
        if (streamed && !raw.complete) drainBody(raw, (stop) => clock.after(refusedBodyMs, stop));
      },
      handler: async (request, reply) => {
        const caller = callers.get(request) as Caller;
        const exchange = new Exchange({ route, request, reply, caller, waiting, maxBytes });
        return sendAnswer(reply, await route.handle(exchange, parts));
      },
    });
  };
  const addScope = (accept: (scope: FastifyInstance) => void, kind: NonNullable<Route['bodyKind']>) =>
    app.register(async (scope) => {
      accept(scope);
      for (const route of routes) if ((route.bodyKind ?? 'json') === kind) addRoute(scope, route);
    });
  addScope(acceptJson, 'json');
  addScope(acceptStreams, 'stream');
  addScope((scope) => {
    acceptJson(scope);
    acceptMultipart(scope);
  }, 'multipart');

  const close = async () => {
    waiting.stop(new UnavailableError('KERUTA_ERR_STOPPING', 'The server is stopping.'));
    // until the last request is answered, new ones learn that the server is stopping; then every connection goes, also
    // those on which nobody ever asked anything
    const late = new AbortController();
    await Promise.race([waiting.idle(), clock.sleep(limits.drainMs, late.signal).catch(() => {})]);
    late.abort();
    await app.close();
  };
  return {
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    listen: (at) => listen(app, at),
    close: () => {
      stopping ??= close();
      return stopping;
    },
  };
}

type SendError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown;

function newFastify(limits: ServerLimits, sendError: SendError): FastifyInstance {
  return Fastify({
    logger: false,
    // addresses that cannot be read never reach a route
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply);
    },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: true,
    // 0 = none: a large upload may take long; JSON bodies have a limit of their own
    requestTimeout: 0,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: connectionsCheckMs,
      maxHeaderSize: maxHeaderBytes,
    },
    rewriteUrl: (request) => collapseSlashes(request.url ?? '/'),
  });
}

/** Old clients put a base address that ends in a slash before a path that begins with one. */
function collapseSlashes(url: string): string {
  if (!url.includes('//')) return url;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  return path.replace(/\/{2,}/g, '/') + (end === -1 ? '' : url.slice(end));
}

/** Ends the connection of a client that does not get on with its body. */
function limitBodyTime(request: FastifyRequest, reply: FastifyReply, start: () => () => void): void {
  const { headers, raw } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody || raw.complete) return;
  const cancel = start();
  raw.once('end', cancel);
  reply.raw.once('close', cancel);
}

/** Reads the rest of a body away, for a while. */
function drainBody(raw: IncomingMessage, start: (stop: () => void) => () => void): void {
  raw.unpipe();
  raw.resume();
  raw.once(
    'close',
    start(() => raw.destroy()),
  );
}

async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly url: string }> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'EADDRINUSE') throw cause;
    throw new ConflictError(
      'KERUTA_ERR_PORT_TAKEN',
      `Port ${port} of ${host} is in use; stop what listens there, or choose another one with --port (0 = any).`,
      { cause },
    );
  }
  const address = app.server.address();
  const got = typeof address === 'object' && address !== null ? address.port : port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${got}` };
}

function withAbout(options: ServerOptions): readonly Route[] {
  const routes = options.routes ?? allRoutes;
  const about = {
    version: options.version,
    clock: options.parts.clock,
    newFastify: () => newFastify(defaultLimits, () => {}),
  };
  return [...routes, ...aboutRoutes(about, () => withAbout(options))];
}
