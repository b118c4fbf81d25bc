/**
 * The HTTP skin: turns the list of routes into a listening server. What the routes mean is in `session`; here are
 * addresses, tokens, shapes, limits, errors and the end of a server's life.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../pkg/log/log.ts';
import { ConflictError, InputError, UnavailableError } from '../domain/errors.ts';
import type { Caller, SessionParts } from '../session/parts.ts';
import { secondMaskOf } from '../session/second-mask.ts';
import { makeAuthenticator } from './auth.ts';
import { acceptJson, acceptRaw, acceptStreams, maxJsonBytes, maxStreamBytes } from './bodies.ts';
import { drainBody, watchBody } from './body-time.ts';
import { Connections } from './connections.ts';
import { withDeadline } from './deadline.ts';
import { toErrorAnswer } from './error-answer.ts';
import { checkDeclaredLength, Exchange, sendAnswer, Waiting } from './exchange.ts';
import { makeNotFound } from './known-paths.ts';
import { defaultLimits, maxUrlBytes, type ServerLimits } from './limits.ts';
import { countRequests } from './metrics/count-requests.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';
import { acceptMultipart } from './multipart.ts';
import { newFastify } from './new-fastify.ts';
import { refusePages } from './refuse-pages.ts';
import { RefusedTokens } from './refused-tokens.ts';
import { makeRequestRate } from './request-rate.ts';
import type { Access, Route } from './route.ts';
import { aboutRoutes } from './routes/about.ts';
import { type HealthWord, healthRoutes, makeHealthLook } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { routes as allRoutes } from './routes.ts';
import { StandingAccess } from './standing-access.ts';
import { tooMany } from './too-many.ts';
import { clientAddress, readTrustedProxies } from './trusted-proxies.ts';

/** @see limits.ts */
export type { ServerLimits } from './limits.ts';

/** How long the rest of a body that was refused is read, so that the client gets to read why; ms. */
const refusedBodyMs = 5_000;
/** When a reader of live events that found no place may come again; ms. */
const liveRetryMs = 5_000;

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
  /** what is wrong beside the store, in one line each; said by the routes of health; default: nothing */
  readonly problems?: () => readonly string[];
  /** what does not work while the server does its work, in one line each; said there too; default: nothing */
  readonly doubts?: () => readonly string[];
  /** what needs a new start to work again, in one line each; said by the route of liveness; default: nothing */
  readonly broken?: () => readonly string[];
  /** what is counted, and shown by `/metrics`; default: requests only */
  readonly metrics?: ServerMetrics;
  /** called when `/metrics` can be shown; @param health  how the server is, as its routes say it */
  readonly onHealth?: (health: () => Promise<HealthWord>) => void;
  /** default: the list in `routes.ts` */
  readonly routes?: readonly Route[];
  /** leaves out the addresses about the server itself, such as those of health; default false */
  readonly isOnlyTheseRoutes?: boolean;
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

/** Who may make this request. */
function accessOf({ access, restricted }: Route, { query }: FastifyRequest): Access {
  if (restricted === undefined) return access;
  return Object.hasOwn(query as object, restricted.parameter) ? restricted.access : access;
}

/** Makes a server. */
export function buildServer(options: ServerOptions): Server {
  const { parts, logger } = options;
  const { clock } = parts;
  const limits = { ...defaultLimits, ...options.limits };
  const waiting = new Waiting();
  const metrics = options.metrics ?? new ServerMetrics();
  const routes = withAbout(options, metrics);
  const counting = countRequests(metrics, routes);
  const notFound = makeNotFound(routes);
  const meta = () => ({ version: options.version, now: clock.now() });
  let stopping: Promise<void> | null = null;

  const sendError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const answer = toErrorAnswer(error, meta());
    if (answer.status === 500) {
      logger.error('request failed', { error, method: request.method, route: request.routeOptions.url });
    }
    // a connection that is closed on a client that still sends takes the answer with it
    if (answer.status === 413) reply.removeHeader('connection');
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  };
  const app = newFastify({ limits, sendError, meta });
  const isProxy = readTrustedProxies(limits.trustedProxies);
  const connections = new Connections({ ...limits, isProxy });
  connections.watch(app.server);
  const checkRate = makeRequestRate(clock, limits);
  const standing = new StandingAccess(clock);
  const refused = new RefusedTokens(logger, clock);
  const mask = secondMaskOf(parts);
  let liveClients = 0;
  app.setErrorHandler(sendError);
  app.addHook('onResponse', counting.onResponse);
  app.setNotFoundHandler((request, reply) => {
    const { error, allow } = notFound(request.method, request.url);
    if (allow !== '') reply.header('allow', allow);
    return sendError(error, request, reply);
  });
  const refusalOf = (request: FastifyRequest, reply: FastifyReply): Error | null => {
    if (stopping !== null) {
      return new UnavailableError('KERUTA_ERR_STOPPING', 'The server is stopping; repeat this in a moment.');
    }
    const { socket } = request.raw;
    const refusal = connections.refusal(socket);
    if (refusal || !isProxy(socket.remoteAddress ?? '')) return refusal;
    const proxied = connections.beginProxied(request.ip);
    reply.raw.once('close', proxied.end);
    return proxied.refusal;
  };
  app.addHook('onRequest', async (request, reply) => {
    waiting.track(reply);
    reply.header('x-content-type-options', 'nosniff');
    const refusal = refusalOf(request, reply);
    if (refusal) {
      reply.header('connection', 'close');
      throw refusal;
    }
    checkUrl(request);
  });
  const takeLivePlace = (reply: FastifyReply) => {
    const { maxStreamClients: max, stallTimeoutMs } = limits;
    if (liveClients >= max) {
      const of = 'readers of live events at a time';
      throw tooMany({ limit: 'maxStreamClients', max, of, retryAfterMs: liveRetryMs });
    }
    liveClients++;
    reply.raw.once('close', () => liveClients--);
    // a reader takes heartbeats at least; one that takes nothing holds a place and a buffer for nothing
    reply.raw.setTimeout(stallTimeoutMs);
  };

  // what is sent to an address that does not exist stays unread
  acceptStreams(app);
  const authenticator = makeAuthenticator({ ...options, store: parts.store, clock });
  const addRoute = (scope: FastifyInstance, route: Route) => {
    const callers = new WeakMap<FastifyRequest, Caller>();
    const exchanges = new WeakMap<FastifyRequest, Exchange>();
    const streamed = route.bodyKind === 'stream' || route.bodyKind === 'multipart';
    const maxBytes = route.maxBodyBytes ?? (streamed ? maxStreamBytes : maxJsonBytes);
    scope.route({
      method: route.method,
      url: route.path,
      bodyLimit: maxBytes,
      onRequest: async (request, reply) => {
        const access = accessOf(route, request);
        if (options.noAuth && access !== 'open') refusePages(request.raw);
        const address = clientAddress(request.ip, request.raw.socket.remoteAddress);
        const { authorization } = request.headers;
        const refuse = (error: unknown): never => {
          if (authorization !== undefined) refused.note(error, { address, route: route.path });
          throw error;
        };
        const caller = await authenticator.identify(authorization, access, route.whileAway).catch(refuse);
        callers.set(request, address === undefined ? caller : { ...caller, address });
        checkRate(caller, route);
        const check = () => authenticator.identify(authorization, access);
        standing.watch({ reply, check, end: (reason) => exchanges.get(request)?.end(reason) });
        if (route.live) takeLivePlace(reply);
        if (streamed) checkDeclaredLength(request, maxBytes);
        const onLate = (error: UnavailableError) => {
          if (reply.sent || reply.raw.headersSent) request.raw.destroy();
          else sendError(error, request, reply.header('connection', 'close'));
        };
        watchBody({ request, reply }, { clock, limits, streamed, onLate });
      },
      onResponse: async ({ raw }, { statusCode }) => {
        if ((streamed || statusCode === 413) && !raw.complete)
          drainBody(raw, (stop) => clock.after(refusedBodyMs, stop));
      },
      handler: async (request, reply) => {
        const caller = callers.get(request) as Caller;
        const exchange = new Exchange({ route, request, reply, caller, waiting, maxBytes, mask });
        exchanges.set(request, exchange);
        const work = route.handle(exchange, parts);
        const onLate = (reason: Error) => exchange.end(reason);
        const deadline = { clock, ms: route.deadlineMs ?? limits.handlerDeadlineMs, onLate };
        const answer = await (streamed ? work : withDeadline(work, deadline));
        counting.note(request, answer);
        return sendAnswer(reply, answer);
      },
    });
  };
  const addScope = (accept: (scope: FastifyInstance) => void, kind: NonNullable<Route['bodyKind']>) =>
    app.register(async (scope) => {
      accept(scope);
      for (const route of routes) if ((route.bodyKind ?? 'json') === kind) addRoute(scope, route);
    });
  addScope(acceptJson, 'json');
  addScope(acceptRaw, 'raw');
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

/** @throws {InputError} KERUTA_ERR_URL_TOO_LONG */
function checkUrl({ url }: FastifyRequest): void {
  const bytes = Buffer.byteLength(url);
  if (bytes <= maxUrlBytes) return;
  throw new InputError(
    'KERUTA_ERR_URL_TOO_LONG',
    `The address of the request has ${bytes} bytes; at most ${maxUrlBytes} are taken.`,
    { details: { bytes, maxBytes: maxUrlBytes } },
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

function withAbout(options: ServerOptions, metrics: ServerMetrics): readonly Route[] {
  const routes = options.routes ?? allRoutes;
  if (options.isOnlyTheseRoutes) return routes;
  const about = {
    version: options.version,
    clock: options.parts.clock,
    newFastify: () =>
      newFastify({ limits: defaultLimits, sendError: () => {}, meta: () => ({ version: '', now: 0 }) }),
    problems: options.problems ?? (() => []),
    doubts: options.doubts ?? (() => []),
    broken: options.broken ?? (() => []),
  };
  const look = makeHealthLook(about);
  options.onHealth?.(async () => (await look(options.parts)).health);
  const all = (): readonly Route[] => [
    ...routes,
    ...metricsRoutes(metrics.metrics),
    ...healthRoutes(about, look),
    ...aboutRoutes(about, all),
  ];
  return all();
}
