import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import type { NewTokenBody } from '../requests.ts';
import { type AgentWire, agentShape, type TokenWire, tokenShape } from '../shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about tokens; for administrators. */
export interface TokenCalls {
  /** Makes a token; this answer is the only place where it is ever shown. */
  create(body: NewTokenBody, options?: CallOptions): Promise<{ token: string; id: string | null }>;
  list(options?: CallOptions): Promise<TokenWire[]>;
  /** @throws {NotFoundError} KERUTA_ERR_TOKEN_NOT_FOUND */
  revoke(id: string, options?: CallOptions): Promise<void>;
}

/** Calls about agents. */
export interface AgentCalls {
  /** Every agent that the server has seen. */
  list(options?: CallOptions): Promise<AgentWire[]>;
}

/** Calls about the server itself. */
export interface HealthCalls {
  /** Asks without token whether the server is well and what it can do. */
  check(options?: CallOptions): Promise<HealthWire>;
  /** What time the server says it is, in whole seconds; epoch ms; null when it does not say. */
  date(options?: CallOptions): Promise<number | null>;
}

/** What a server says of itself. */
export type HealthWire = z.infer<typeof healthShape>;

const healthShape = z.looseObject({
  /** `UP` or `DOWN` in keruta's own servers */
  status: z.string().catch(''),
  version: z.string().catch(''),
  message: z.string().catch(''),
  /** empty for servers of the plain protocol */
  abilities: z.array(z.string()).catch([]),
});
const newToken = z.object({ token: z.string().min(1), id: z.string().nullable().catch(null) });

/** @see TokenCalls */
export function tokenCalls(transport: Transport): TokenCalls {
  return {
    create: (json, options) =>
      transport.json({ method: 'POST', path: apiPath('tokens'), json, once: true, ...options }, newToken),
    list: (options) =>
      transport.json({ method: 'GET', path: apiPath('tokens'), ...options }, z.array(tokenShape)),
    revoke: async (id, options) => {
      const path = apiPath('tokens', id);
      await transport.done({ method: 'DELETE', path, notFound: 'KERUTA_ERR_TOKEN_NOT_FOUND', ...options });
    },
  };
}

/** @see AgentCalls */
export function agentCalls(transport: Transport): AgentCalls {
  return {
    list: (options) =>
      transport.json({ method: 'GET', path: apiPath('agents'), ...options }, z.array(agentShape)),
  };
}

/** @see HealthCalls */
export function healthCalls(transport: Transport): HealthCalls {
  return {
    check: (options) =>
      transport.json({ method: 'GET', path: apiPath('health'), open: true, ...options }, healthShape),
    date: async (options) => {
      const answer = await transport.done({ method: 'GET', path: apiPath('health'), open: true, ...options });
      const at = Date.parse(answer.headers.date ?? '');
      return Number.isNaN(at) ? null : at;
    },
  };
}
