/**
 * Asks HTTP servers. The door of undici: explicit limits of time and size, no redirects, no retries, no cookies.
 * Connections are kept and used again per origin; one that had a fault is thrown away.
 */
import { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { OutboundGuard } from '../outbound/guard.ts';
import { HttpDeniedError, HttpTooLargeError, httpErrorOf } from './http-errors.ts';

/** Options of {@link makeHttp}. */
export interface HttpOptions {
  /** what we call ourselves, as `User-Agent` */
  readonly userAgent: string;
  /** name look-up, TCP and TLS together; ms, default 5000 */
  readonly connectMs?: number;
  /** from the last byte sent that made progress to the head of the answer; ms, default 15000 */
  readonly headersMs?: number;
  /** longest silence inside the body of an answer; ms, default 30000 */
  readonly stallMs?: number;
  /** longest body that `text`, `json` and `bytes` take; bytes, default 32 MiB. `stream` has no limit */
  readonly maxResponseBytes?: number;
  /** decides which hosts are called, for addresses that somebody else chose; default: all are */
  readonly guard?: OutboundGuard;
  /** who is believed, and who we are, where that is not what everybody has; default: the roots of Node, nobody */
  readonly tls?: HttpTls;
}

/** What TLS is spoken with; texts in PEM. */
export interface HttpTls {
  /** in the place of the roots that Node brings */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** the name that the certificate has to have; default: the host of the address */
  readonly servername?: string;
}

/** One request. Nothing in it is repeated: for another attempt make another one, with a fresh body. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** absolute, http or https */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** an iterable is sent as it comes; give its `content-length` when it is known, else it goes out chunked */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  /** ends request and answer; what is pending then rejects with its reason */
  readonly signal?: AbortSignal;
  /** overrides the option, for long polls; ms */
  readonly headersMs?: number;
  /** overrides the option, for event streams; ms, 0 = no limit */
  readonly stallMs?: number;
  /** overrides the option, for answers that are short when they are right; bytes */
  readonly maxResponseBytes?: number;
}

/** An answer of any status. Its body is to be read by exactly one of the five, or given up by `discard`. */
export interface HttpAnswer {
  readonly status: number;
  /** names in lower case; several of one name are joined by `, ` */
  readonly headers: Readonly<Record<string, string>>;
  /** @throws {HttpTooLargeError} also `json` and `bytes` */
  text(): Promise<string>;
  /** @throws {SyntaxError} when it is not JSON */
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array>;
  /** The beginning of the body as text; one that is longer closes the connection. @param maxBytes  of the body */
  head(maxBytes: number): Promise<string>;
  /** the body as it comes; leaving the loop early closes the connection */
  readonly stream: AsyncIterable<Uint8Array>;
  /** Passes over the body, so that the connection can be used again. Never throws. */
  discard(): Promise<void>;
}

/** Sends requests. */
export interface Http {
  /** @throws {HttpError} one of http-errors.ts; what the body's iterable throws comes out as it is */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

/** Bodies longer than this are sent in slices of it, so that the time limit sees progress; bytes. */
const sliceBytes = 64 * 1024;

/** Makes a client with connections of its own. */
export function makeHttp(options: HttpOptions): Http {
  const {
    connectMs = 5000,
    headersMs = 15_000,
    stallMs = 30_000,
    maxResponseBytes = 32 * 1024 ** 2,
  } = options;
  const agent = new Agent({
    // written out: no variable of the environment may turn it off
    connect: {
      ...{ timeout: connectMs, ...options.tls, rejectUnauthorized: true },
      ...(options.guard ? { lookup: options.guard.lookup } : {}),
    },
    headersTimeout: headersMs,
    bodyTimeout: stallMs,
    allowH2: false,
  });

  return {
    request: async (request) => {
      request.signal?.throwIfAborted();
      const { origin, pathname, search, hostname } = new URL(request.url);
      const at = origin + pathname;
      const fault = options.guard?.fault(hostname) ?? null;
      if (fault !== null) throw new HttpDeniedError(`${origin} is not called: ${fault}`);
      const body = bodyOf(request.body);
      try {
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method: request.method,
          headers: { 'user-agent': options.userAgent, ...body.headers, ...request.headers },
          body: body.content,
          signal: request.signal ?? null,
          ...(request.headersMs === undefined ? {} : { headersTimeout: request.headersMs }),
          ...(request.stallMs === undefined ? {} : { bodyTimeout: request.stallMs }),
        });
        const context = {
          at,
          maxResponseBytes: request.maxResponseBytes ?? maxResponseBytes,
          ...(request.signal ? { signal: request.signal } : {}),
        };
        return answerOf(answer.statusCode, answer.headers, answer.body, context);
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason;
        if (body.fault.seen) throw body.fault.error;
        // a header or an option that cannot be sent: the caller's fault, which no repetition mends
        if ((error as { code?: unknown } | null)?.code === 'UND_ERR_INVALID_ARG') throw error;
        throw httpErrorOf(error, at);
      }
    },
    close: () => agent.destroy(),
  };
}

interface Body {
  readonly content: string | Uint8Array | Readable | null;
  readonly headers: Readonly<Record<string, string>>;
  /** what the caller's iterable threw, as opposed to the network */
  readonly fault: { seen: boolean; error: unknown };
}

function bodyOf(body: HttpRequest['body']): Body {
  const fault = { seen: false, error: undefined as unknown };
  if (body === undefined) return { content: null, headers: {}, fault };
  if (typeof body === 'string') return bodyOf(Buffer.from(body));
  if (body instanceof Uint8Array) {
    if (body.length <= sliceBytes) return { content: body, headers: {}, fault };
    const content = Readable.from(slices(body), { objectMode: false });
    return { content, headers: { 'content-length': String(body.length) }, fault };
  }
  const watched = async function* () {
    try {
      yield* body;
    } catch (error) {
      fault.seen = true;
      fault.error = error;
      throw error;
    }
  };
  return { content: Readable.from(watched(), { objectMode: false }), headers: {}, fault };
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}

interface AnswerContext {
  readonly at: string;
  readonly maxResponseBytes: number;
  readonly signal?: AbortSignal;
}

function answerOf(
  status: number,
  rawHeaders: Readonly<Record<string, string | string[] | undefined>>,
  body: Readable & { dump(options?: { limit: number }): Promise<void> },
  context: AnswerContext,
): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(rawHeaders))
    if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;

  const stream: AsyncIterable<Uint8Array> = {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of body) yield chunk as Uint8Array;
      } catch (error) {
        if (context.signal?.aborted) throw context.signal.reason;
        throw httpErrorOf(error, context.at);
      }
    },
  };
  const bytes = async () => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > context.maxResponseBytes)
        throw new HttpTooLargeError(
          `the answer from ${context.at} is longer than the ${context.maxResponseBytes} bytes that are taken`,
        );
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  };
  const head = async (maxBytes: number) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream) {
      chunks.push(chunk.subarray(0, maxBytes - size));
      size += chunk.length;
      if (size >= maxBytes) break;
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  };
  const text = async () => new TextDecoder().decode(await bytes());
  return {
    status,
    headers,
    bytes,
    head,
    text,
    json: async () => JSON.parse(await text()) as unknown,
    stream,
    discard: async () => {
      await body.dump({ limit: sliceBytes }).catch(() => {});
    },
  };
}
