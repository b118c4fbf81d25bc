/** One call to the API: address, token, time limits, repetitions, and what its answer or its absence means. */
import type { ZodType } from 'zod';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Http, HttpAnswer, HttpRequest } from '../../../pkg/http/http.ts';
import { HttpError } from '../../../pkg/http/http-errors.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import type { CodeOf } from '../../domain/error-table.ts';
import { InputError, UnavailableError } from '../../domain/errors.ts';
import { errorOfAnswer, errorOfNetwork, errorOfStrangeAnswer } from '../answer-error.ts';
import { isReadable } from '../readable.ts';
import { isRetryable, mayHaveHappened, retry } from '../retryable.ts';

/** What every method of the client takes as its last argument. */
export interface CallOptions {
  /** ends the call, its waits and its answer */
  readonly signal?: AbortSignal;
}

/** What the transport works with. */
export interface TransportParts {
  readonly http: Http;
  /** normalised, see base-url.ts */
  readonly baseUrl: string;
  readonly token: () => Promise<string | null> | string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** cap of one call with its repetitions, except uploads and streams; ms */
  readonly timeoutMs: number;
  /** the same as long as the API has not answered at all; ms, default `timeoutMs` */
  readonly firstTimeoutMs?: number;
  /** repetitions after a fault that is worth one */
  readonly retries: number;
}

/** One call. */
export interface Call extends CallOptions {
  readonly method: HttpRequest['method'];
  /** from `/api/v1` on, encoded */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** sent as JSON */
  readonly json?: unknown;
  /** sent as it is; made anew for each repetition */
  readonly body?: () => Uint8Array | AsyncIterable<Uint8Array>;
  /** the error of a 404 that does not name its own; default KERUTA_ERR_NOT_FOUND */
  readonly notFound?: CodeOf<'not-found'>;
  /** the error of a 409 that does not name its own; default KERUTA_ERR_TRANSITION */
  readonly conflict?: CodeOf<'conflict'>;
  /** how long the server may take on purpose: added to the limits; ms */
  readonly waitMs?: number;
  /** uploads, downloads and event streams: no cap on the whole, only on silence */
  readonly uncapped?: boolean;
  /** longest silence in the answer; ms */
  readonly stallMs?: number;
  /** longest answer that is taken; bytes, default: that of the HTTP client, and {@link maxWordBytes} for `done` */
  readonly maxBytes?: number;
  /** sent without token */
  readonly open?: boolean;
  /** not repeated when it may have had its effect: it would have it twice */
  readonly once?: boolean;
}

/**
 * Longest answer to a call whose answer says little: whatever else comes is a fault, which may come to every call at once, and
 * again and again; bytes.
 */
export const maxWordBytes = 8 * 1024 ** 2;
/** Of an answer that is an error so much is read: it has a few lines, or is no answer of the API; bytes. */
const maxErrorBytes = 256 * 1024;

/** Makes calls. */
export interface Transport {
  /** @throws {UnavailableError} KERUTA_ERR_API_ANSWER when a 2xx answer is not of the shape */
  json<T>(call: Call, shape: ZodType<T>): Promise<T>;
  /** For answers whose body says nothing. HTML or half of a JSON is still not taken for a success. */
  done(call: Call): Promise<{ status: number; headers: Readonly<Record<string, string>>; body: string }>;
  /** Gives the body of a 2xx answer as it comes; what breaks it is thrown as UnavailableError. Never repeated. */
  stream(
    call: Call,
  ): Promise<{ headers: Readonly<Record<string, string>>; bytes: AsyncIterable<Uint8Array> }>;
}

/** Makes a transport for one address. */
export function makeTransport(parts: TransportParts): Transport {
  let isHeard = false;
  const send = async (
    call: Call,
    signal: AbortSignal | undefined,
    onHead: () => void,
  ): Promise<HttpAnswer> => {
    const answer = await parts.http.request({
      method: call.method,
      url: addressOf(parts.baseUrl, call),
      headers: await headersOf(parts, call),
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
      ...(call.body === undefined ? {} : { body: call.body() }),
      ...(signal ? { signal } : {}),
      ...(call.waitMs === undefined ? {} : { headersMs: call.waitMs + 15_000 }),
      ...(call.stallMs === undefined ? {} : { stallMs: call.stallMs }),
      ...(call.maxBytes === undefined ? {} : { maxResponseBytes: call.maxBytes }),
    });
    isHeard = true;
    if (call.uncapped) onHead();
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOfAnswer({
      method: call.method,
      url: parts.baseUrl + call.path,
      status: answer.status,
      headers: answer.headers,
      body: await answer.head(maxErrorBytes),
      notFound: call.notFound ?? 'KERUTA_ERR_NOT_FOUND',
      conflict: call.conflict ?? 'KERUTA_ERR_TRANSITION',
      now: parts.clock.now(),
    });
  };

  /** Runs a call with its limits; `read` gets the good answer. */
  const run = <T>(call: Call, read: (answer: HttpAnswer) => Promise<T>): Promise<T> => {
    const { timeoutMs, firstTimeoutMs = timeoutMs } = parts;
    const limits = { ...parts, timeoutMs: isHeard ? timeoutMs : firstTimeoutMs };
    return withCap(limits, call, (signal) =>
      retry(
        {
          ...parts,
          isRetryable: (error) => isRetryable(error) && !(call.once && mayHaveHappened(error)),
          onRetry: ({ delayMs }) => parts.log.debug('api call again', { path: call.path, delayMs }),
        },
        async () => {
          const dripping = new AbortController();
          const ends = call.uncapped
            ? AbortSignal.any([dripping.signal, ...(signal ? [signal] : [])])
            : signal;
          let cancel = () => {};
          try {
            const answer = await send(call, ends, () => {
              // an upload or a stream may take long; an answer that is read whole may not
              cancel = parts.clock.after(parts.timeoutMs, () => dripping.abort(lateAnswer(parts, call)));
            });
            return await read(answer);
          } catch (error) {
            if (signal?.aborted) throw signal.reason;
            if (dripping.signal.aborted) throw dripping.signal.reason;
            throw error instanceof HttpError ? errorOfNetwork(error, parts.baseUrl) : error;
          } finally {
            cancel();
          }
        },
        signal,
      ),
    );
  };

  const strange = (call: Call, status: number, body: string, why: string) =>
    errorOfStrangeAnswer({ method: call.method, url: parts.baseUrl + call.path, status, body }, why);

  return {
    json: (call, shape) =>
      run(call, async (answer) => {
        const body = await answer.text();
        const parsed = shape.safeParse(parseJson(body));
        if (parsed.success) return parsed.data;
        const issue = parsed.error.issues[0];
        const where = issue?.path.length ? ` (${issue.path.join('.')}: ${issue.message})` : '';
        throw strange(call, answer.status, body, `not with what was expected${where}`);
      }),
    done: (call) =>
      run({ maxBytes: maxWordBytes, ...call }, async (answer) => {
        const body = await answer.text();
        if (isHtml(answer) || !isReadable(body))
          throw strange(call, answer.status, body, 'not as an API does');
        return { status: answer.status, headers: answer.headers, body };
      }),
    stream: async (call) => {
      const answer = await run({ ...call, uncapped: true }, async (good) => good);
      return { headers: answer.headers, bytes: guarded(answer.stream, parts.baseUrl) };
    },
  };
}

/** JSON or undefined, which no shape takes. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isHtml = (answer: HttpAnswer) => answer.headers['content-type']?.includes('text/html') ?? false;

function addressOf(baseUrl: string, call: Call): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return baseUrl + call.path + (text === '' ? '' : `?${text}`);
}

async function headersOf(parts: TransportParts, call: Call): Promise<Record<string, string>> {
  const token = call.open ? null : (await parts.token())?.trim() || null;
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'The API token holds characters that no token has. Check KERUTA_API_TOKEN or KERUTA_API_TOKEN_FILE.',
    );
  return {
    accept: 'application/json',
    ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...call.headers,
  };
}

function lateAnswer(parts: TransportParts, call: Call): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_API_ANSWER',
    `The API at ${parts.baseUrl} did not end its answer to ${call.method} ${call.path} within ${parts.timeoutMs} ms. ` +
      'Check for a proxy on the way that holds it up.',
  );
}

/** Ends a call when its cap is over, with an error that says so. */
async function withCap<T>(
  parts: TransportParts,
  call: Call,
  action: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (call.uncapped) return action(call.signal);
  const capMs = parts.timeoutMs + (call.waitMs ?? 0);
  const cap = new AbortController();
  const cancel = parts.clock.after(capMs, () =>
    cap.abort(
      new UnavailableError(
        'KERUTA_ERR_API_UNAVAILABLE',
        `The API at ${parts.baseUrl} did not do ${call.method} ${call.path} within ${capMs} ms. ` +
          'Check that the server is not overloaded, or allow more time by KERUTA_TIMEOUT.',
      ),
    ),
  );
  try {
    return await action(call.signal ? AbortSignal.any([call.signal, cap.signal]) : cap.signal);
  } finally {
    cancel();
  }
}

async function* guarded(stream: AsyncIterable<Uint8Array>, baseUrl: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw error instanceof HttpError ? errorOfNetwork(error, baseUrl) : error;
  }
}
