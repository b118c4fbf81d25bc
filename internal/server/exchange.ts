/** One request while it is being answered: what the route sees of it, and what becomes of its answer. */
import { Readable, Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { InputError } from '../domain/errors.ts';
import type { Caller } from '../session/parts.ts';
import type { SecondMask } from '../session/second-mask.ts';
import { readParts } from './multipart.ts';
import type { MultipartPart, Route, RouteAnswer, RouteRequest } from './route.ts';
import { readShape } from './validate.ts';

/** The requests under way, and the signals of those that asked for one, so that a server that stops can end them. */
export class Waiting {
  readonly #controllers = new Map<AbortSignal, AbortController>();
  readonly #idle: (() => void)[] = [];
  #underWay = 0;
  #reason: Error | null = null;

  /** Counts a request until its answer is complete or its connection gone. */
  track(reply: FastifyReply): void {
    this.#underWay++;
    reply.raw.once('close', () => {
      this.#underWay--;
      if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  /** Resolves when no request is under way. */
  idle(): Promise<void> {
    return this.#underWay === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#idle.push(resolve);
        });
  }

  /** A signal that is aborted when the connection closes before the answer is complete, or the server stops. */
  signalFor(reply: FastifyReply): AbortSignal {
    const controller = new AbortController();
    if (this.#reason) controller.abort(this.#reason);
    this.#controllers.set(controller.signal, controller);
    reply.raw.once('close', () => {
      this.#controllers.delete(controller.signal);
      if (!reply.raw.writableFinished) controller.abort(new Error('the client went away'));
    });
    return controller.signal;
  }

  /** Aborts every signal there is and will be. */
  stop(reason: Error): void {
    this.#reason = reason;
    for (const controller of this.#controllers.values()) controller.abort(reason);
  }

  /** Aborts one signal that is still of use. */
  abort(signal: AbortSignal, reason: Error): void {
    this.#controllers.get(signal)?.abort(reason);
  }
}

/** A fastify request as routes see it; the signal is made when it is asked for, most routes never do. */
export class Exchange implements RouteRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly caller: Caller;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #waiting: Waiting;
  readonly #maxBytes: number;
  #signal: AbortSignal | null = null;

  /** @throws {InputError} when path, query or body do not have the route's shapes */
  constructor(at: {
    readonly route: Route;
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly caller: Caller;
    readonly waiting: Waiting;
    readonly maxBytes: number;
    readonly mask: SecondMask;
  }) {
    const { route, request } = at;
    const whole = route.bodyKind === 'stream' || (route.bodyKind === 'multipart' && isMultipart(request));
    this.params = route.params ? readShape(route.params, request.params, 'path') : request.params;
    this.query = route.query ? readShape(route.query, request.query, 'query') : request.query;
    const body = route.body && !whole ? readShape(route.body, request.body ?? {}, 'body') : request.body;
    this.body = route.masked && !whole ? at.mask.deep(body) : body;
    this.caller = at.caller;
    this.#request = request;
    this.#reply = at.reply;
    this.#waiting = at.waiting;
    this.#maxBytes = at.maxBytes;
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    return this.#request.headers as Readonly<Record<string, string | undefined>>;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#waiting.signalFor(this.#reply);
    return this.#signal;
  }

  /** Aborts the signal, if the route asked for one: the answer is no longer wanted. */
  end(reason: Error): void {
    if (this.#signal) this.#waiting.abort(this.#signal, reason);
  }

  get stream(): Readable {
    // with a declared length the HTTP parser keeps the bound; without one we count
    const { raw, headers } = this.#request;
    return headers['content-length'] === undefined ? raw.pipe(limitBytes(this.#maxBytes)) : raw;
  }

  parts({ maxFileBytes }: { readonly maxFileBytes: number }): AsyncIterable<MultipartPart> {
    return readParts(this.#request, maxFileBytes);
  }
}

/** Refuses a streamed body that declares to be over the limit, before any of it is read. */
export function checkDeclaredLength(request: FastifyRequest, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** Sends what a route answered. */
export function sendAnswer(reply: FastifyReply, answer: RouteAnswer): FastifyReply {
  reply.code(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  const { body } = answer;
  if (body === undefined) return reply.send();
  if (body instanceof Readable) return reply.send(body);
  if (isAsyncIterable(body)) return reply.send(Readable.from(body, { objectMode: false }));
  if (body instanceof Uint8Array || (typeof body === 'string' && reply.hasHeader('content-type'))) {
    return reply.send(body);
  }
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function isMultipart(request: FastifyRequest): boolean {
  return request.headers['content-type']?.toLowerCase().startsWith('multipart/') ?? false;
}

function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array | string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function limitBytes(maxBytes: number): Transform {
  let seen = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      seen += chunk.length;
      if (seen > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
}

function tooLarge(maxBytes: number): InputError {
  return new InputError(
    'KERUTA_ERR_BODY_TOO_LARGE',
    `The body is over the ${maxBytes} bytes that this route takes; send it in smaller pieces.`,
    { details: { maxBytes } },
  );
}
