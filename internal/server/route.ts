/**
 * What a route is: one object, in one file of `routes/`, named once in the list `routes.ts`. The app turns it into a
 * fastify route, checks the token and the shapes, writes the OpenAPI entry and turns errors into answers.
 */
import type { Readable } from 'node:stream';
import type { ZodType, z } from 'zod';
import type { TokenScope } from '../domain/records.ts';
import type { Caller, SessionParts } from '../session/parts.ts';

/** Which tokens may call a route. `open`: also without any. Object-level checks are the verbs' own. */
export type Access = 'open' | readonly TokenScope[];

/** Everybody who may read: the default of GET routes. */
export const readers: Access = ['admin', 'session', 'task', 'read-only'];
/** Those who may see every task of a session; the token of a run sees its own task only. */
export const sessionReaders: Access = ['admin', 'session', 'read-only'];
/** Those who steer a session: the default of other routes. */
export const operators: Access = ['admin', 'session'];
/** Those who speak for a run. */
export const speakers: Access = ['admin', 'session', 'task'];
/** Administrators. */
export const admins: Access = ['admin'];
/** Administrators, and those who look only. */
export const lookers: Access = ['admin', 'read-only'];

/** Options of one route; generic in its shapes so that the handler sees parsed values. */
export interface RouteDefinition<
  P extends ZodType = ZodType,
  Q extends ZodType = ZodType,
  B extends ZodType = ZodType,
> {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** fastify's notation, complete: `/api/v1/tasks/:id` */
  readonly path: string;
  readonly access: Access;
  /** a parameter of the query that not everybody may add who may call the route, and who may */
  readonly restricted?: { readonly parameter: string; readonly access: Access };
  /** one sentence for the OpenAPI page */
  readonly summary: string;
  /** section of the OpenAPI page: `sessions`, `tasks`, `attempts`, `artifacts`, … */
  readonly tag: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /**
   * `raw`: `body` is a buffer of the bytes as they came; `stream`: the body is not parsed but handed over as a readable;
   * `multipart`: likewise, with its content type
   */
  readonly bodyKind?: 'json' | 'raw' | 'stream' | 'multipart';
  /** for the answer, once the body is here; ms; default: the server's limit */
  readonly deadlineMs?: number;
  /** bytes; default 1 MiB for JSON, 64 MiB for streams */
  readonly maxBodyBytes?: number;
  /** the answer is a stream of live events: it counts against `maxStreamClients` */
  readonly live?: true;
  /** the answer may wait until something happens: how long it took says nothing about the server */
  readonly waits?: true;
  /** a request is something that is handed in from outside, and counted as such */
  readonly delivers?: true;
  /** tells what is wrong also while the store is away: a token that was good lately is believed then */
  readonly whileAway?: true;
  /** its body says something about a run, for people to read: secrets in it are masked a second time */
  readonly masked?: true;
  /** asked by agents only, as often as their work makes it: no rate, also for tokens that have one */
  readonly unmetered?: true;
  /** shape of the good answer by status, for the OpenAPI page */
  readonly answers?: Readonly<Record<number, ZodType | null>>;
  readonly handle: (
    request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>>,
    parts: SessionParts,
  ) => Promise<RouteAnswer>;
}

/** A request as handlers see it. */
export interface RouteRequest<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** for bodyKind `stream` and `multipart` */
  readonly stream: Readable;
  /**
   * The parts of a multipart body, in the order they came, for bodyKind `multipart`; the stream of a file must be read
   * to its end before the next part is asked for. A JSON body sent to such a route is in `body` instead.
   * @throws {InputError} KERUTA_ERR_UNSUPPORTED_MEDIA when the body is not multipart; KERUTA_ERR_BODY_TOO_LARGE from
   *         the stream of a file over `maxFileBytes`
   */
  parts(limits: { readonly maxFileBytes: number }): AsyncIterable<MultipartPart>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly caller: Caller;
  /** aborted when the client goes away or the server stops: ends long polls and event streams */
  readonly signal: AbortSignal;
}

/** One part of a multipart body. */
export type MultipartPart =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file';
      readonly name: string;
      /** as the client sent it, directories cut off; data, never a path */
      readonly filename: string;
      readonly contentType: string;
      readonly stream: Readable;
    };

/** An answer. `body` undefined = empty; an AsyncIterable or Readable is streamed; anything else is JSON. */
export interface RouteAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** of a route that delivers: what became of it, for metrics; never sent */
  readonly result?: 'accepted' | 'duplicate' | 'skipped' | 'greeting';
}

/** Gives the compiler the shapes of a route; returns it as it is. */
export function route<P extends ZodType, Q extends ZodType, B extends ZodType>(
  definition: RouteDefinition<P, Q, B>,
): Route {
  return definition as unknown as Route;
}

/** Any route, its shapes forgotten. */
export type Route = RouteDefinition;
