/** How much of the server one client may have, and for how long. */

/** Limits of one server. Those of operators are settings; see the table in internal/config/server-rows.ts. */
export interface ServerLimits {
  /** for the headers of a request to arrive; ms, default 10 s */
  readonly headersTimeoutMs: number;
  /** over each such time a body must bring 1 KB/s, until all of it is here; ms, default 10 s */
  readonly bodyWindowMs: number;
  /** for a JSON body to arrive as a whole; ms, default 30 s */
  readonly bodyTimeoutMs: number;
  /** for a streamed body to arrive as a whole; ms, default 10 min */
  readonly uploadTimeoutMs: number;
  /** for a route to answer, once the body is here; streamed bodies take as long as they take; ms, default 20 s */
  readonly handlerDeadlineMs: number;
  /** for a connection on which nothing moves at all; ms, default 120 s */
  readonly idleTimeoutMs: number;
  /** for a reader of live events that takes nothing, not even heartbeats, which come every 15 s; ms, default 45 s */
  readonly stallTimeoutMs: number;
  /** for a connection between two requests; ms, default 65 s */
  readonly keepAliveTimeoutMs: number;
  /** for requests under way when the server stops; ms, default 8 s */
  readonly drainMs: number;
  /** connections at a time; default 2,000 */
  readonly maxConnections: number;
  /** connections at a time from one address that is not this machine's own; default 50 */
  readonly maxConnectionsPerAddress: number;
  /** readers of live events at a time; default 500 */
  readonly maxStreamClients: number;
  /** requests per second of one read-only token, twice as many at once; default 50 */
  readonly requestsPerSecond: number;
  /** likewise of one admin token; default 1,000 */
  readonly adminRequestsPerSecond: number;
  /** likewise of one token of a session or run, but for what only agents ask; default 1,000 */
  readonly sessionRequestsPerSecond: number;
  /** proxies whose `X-Forwarded-For` is believed: addresses, or networks as `10.0.0.0/8`; default none */
  readonly trustedProxies: readonly string[];
}

/** @see ServerLimits */
export const defaultLimits: ServerLimits = {
  headersTimeoutMs: 10_000,
  bodyWindowMs: 10_000,
  bodyTimeoutMs: 30_000,
  uploadTimeoutMs: 600_000,
  handlerDeadlineMs: 20_000,
  idleTimeoutMs: 120_000,
  stallTimeoutMs: 45_000,
  keepAliveTimeoutMs: 65_000,
  // with what is closed behind it less than the ten seconds that containers are given by default
  drainMs: 8_000,
  maxConnections: 2_000,
  maxConnectionsPerAddress: 50,
  maxStreamClients: 500,
  requestsPerSecond: 50,
  adminRequestsPerSecond: 1_000,
  sessionRequestsPerSecond: 1_000,
  trustedProxies: [],
};

/** Address, names and values of all headers of a request together; more is a 431; bytes. */
export const maxHeaderBytes = 16 * 1024;
/** Path and query of a request; bytes. */
export const maxUrlBytes = 8 * 1024;
