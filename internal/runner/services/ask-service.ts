/** Asks a service over HTTP: what passes is repeated, what is refused is told, and nothing is followed elsewhere. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Http, HttpAnswer, HttpRequest } from '../../../pkg/http/http.ts';
import { HttpDeniedError, HttpError, HttpTooLargeError } from '../../../pkg/http/http-errors.ts';
import { readRetryAfter } from '../../../pkg/http/retry-after.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { retryDelayMs } from '../../domain/retry.ts';
import { saidIn, textOf } from './service-answer.ts';

/** A service, and what asking takes. */
export interface Service {
  readonly http: Http;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** for messages: `task registry` */
  readonly name: string;
  /** without credentials, without a slash at its end */
  readonly baseUrl: string;
  /** goes out as `Authorization: Bearer`; null = none is sent */
  readonly token: string | null;
  /** repetitions after the first time */
  readonly retries: number;
}

/** One question. */
export interface ServiceQuestion {
  readonly method: 'POST' | 'PATCH';
  /** below the address of the service, with its query */
  readonly path: string;
  readonly json?: unknown;
  /** instead of `json`: bytes, made anew for each try */
  readonly body?: {
    readonly type: string;
    readonly sizeBytes: number;
    readonly open: () => AsyncIterable<Uint8Array>;
  };
  /** of one try, until its answer begins; ms, default 30 s */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const defaultWaitMs = 30_000;
/** From the beginning of an answer to its end; ms. */
const answerMs = 30_000;
/** Between tries. */
const backoff = { backoff: 'exponential', delayMs: 1000, maxDelayMs: 30_000 } as const;
/** A service that wants to be left alone for longer is given up; ms. */
const longestWaitMs = 120_000;
const passing = [429, 502, 503, 504];

/**
 * Asks once, and again after a pause on a fault of the network, 429, 502, 503 and 504. Every try of a question carries the same
 * `Idempotency-Key`, so that a service can tell a repetition from a second wish.
 * @returns what came as JSON; null for an empty answer
 * @throws {UnavailableError} KERUTA_ERR_SERVICE; the signal's reason; what the body's source throws
 */
export async function askService(service: Service, question: ServiceQuestion): Promise<unknown> {
  const { clock, random, log, name, retries } = service;
  const key = random.uuid4();
  for (let failures = 1; ; failures++) {
    const tried = await tryOnce(service, question, key);
    if (tried.kind === 'answer') return tried.json;
    const wantsMs = tried.retryAfterMs ?? 0;
    if (!tried.isPassing || failures > retries || wantsMs > longestWaitMs)
      throw serviceError(service, question, { ...tried, tries: failures });
    const waitMs = Math.max(wantsMs, retryDelayMs(backoff, failures, random.fraction()));
    log.warn(`the ${name} failed; it is asked again`, { error: tried.words, failures, waitMs });
    await clock.sleep(waitMs, question.signal);
  }
}

type Tried =
  | { readonly kind: 'answer'; readonly json: unknown }
  | {
      readonly kind: 'fault';
      readonly words: string;
      readonly status: number | null;
      readonly isPassing: boolean;
      readonly retryAfterMs?: number | null;
      readonly cause?: unknown;
    };

const fault = (
  words: string,
  more: { readonly status?: number; readonly isPassing?: boolean; readonly cause?: unknown } = {},
): Tried => ({
  ...{ kind: 'fault', words, status: null, isPassing: false, ...more },
});

async function tryOnce(service: Service, question: ServiceQuestion, key: string): Promise<Tried> {
  const { http, clock } = service;
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, ...(question.signal ? [question.signal] : [])]);
  let cancel = () => {};
  try {
    const answer = await http.request({ ...requestOf(service, question, key), signal });
    cancel = clock.after(answerMs, () => over.abort(new HttpError('its answer did not end in time')));
    const text = await textOf(answer);
    if (answer.status < 200 || answer.status > 299) return refusalOf(answer, text, service);
    return text === '' ? { kind: 'answer', json: null } : jsonOf(answer, text);
  } catch (error) {
    question.signal?.throwIfAborted();
    if (!(error instanceof HttpError)) throw error;
    const isLasting = error instanceof HttpDeniedError || error instanceof HttpTooLargeError;
    return fault(error.message, { isPassing: !isLasting, cause: error });
  } finally {
    cancel();
  }
}

function requestOf({ baseUrl, token }: Service, question: ServiceQuestion, key: string): HttpRequest {
  const { method, path, json, body, waitMs = defaultWaitMs } = question;
  return {
    method,
    url: `${baseUrl}${path}`,
    headers: {
      accept: 'application/json',
      'idempotency-key': key,
      'content-type': body?.type ?? 'application/json',
      ...(body === undefined ? {} : { 'content-length': String(body.sizeBytes) }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: body === undefined ? JSON.stringify(json) : body.open(),
    headersMs: waitMs,
  };
}

function jsonOf(answer: HttpAnswer, text: string): Tried {
  const type = answer.headers['content-type'] ?? '';
  try {
    return { kind: 'answer', json: JSON.parse(text) as unknown };
  } catch {
    return fault(`it sent ${type === '' ? 'something' : JSON.stringify(type.slice(0, 80))} instead of JSON`, {
      status: answer.status,
    });
  }
}

function refusalOf(answer: HttpAnswer, text: string, { clock, token }: Service): Tried {
  const { status } = answer;
  const isElsewhere = status >= 300 && status < 400;
  const said = isElsewhere ? 'it points elsewhere, which is not followed' : saidIn(answer, text);
  const shown = token === null ? said : said.replaceAll(token, '****');
  return {
    ...{ kind: 'fault', words: `it answered ${status}${shown === '' ? '' : `: ${shown}`}`, status },
    isPassing: passing.includes(status),
    retryAfterMs: readRetryAfter(answer.headers['retry-after'], clock.now()),
  };
}

/** Why a service is no use. */
export interface ServiceFault {
  /** as the end of a sentence; safe to show */
  readonly words: string;
  /** of its answer; default: there was none */
  readonly status?: number | null;
  /** default 1 */
  readonly tries?: number;
  readonly cause?: unknown;
}

/** An error that names service, address and what was asked. */
export function serviceError(
  { name, baseUrl }: Pick<Service, 'name' | 'baseUrl'>,
  { method, path }: Pick<ServiceQuestion, 'method' | 'path'>,
  { words, status = null, tries = 1, cause }: ServiceFault,
): UnavailableError {
  const asked = `${method} ${path.split('?')[0]}`;
  const again = tries === 1 ? '' : ` (${tries} times)`;
  return new UnavailableError(
    'KERUTA_ERR_SERVICE',
    `the ${name} at ${baseUrl} failed at ${asked}: ${words}${again}; look whether it runs there and takes the token that is set`,
    { cause, details: { service: name, url: baseUrl, asked, status, tries } },
  );
}
