/** One request to the API of a cluster, made again where that is right. */
import type { Clock } from '../clock/clock.ts';
import type { Http, HttpAnswer } from '../http/http.ts';
import { HttpError } from '../http/http-errors.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { ClusterError, type ClusterFault } from './cluster-error.ts';
import { statusShape } from './shapes.ts';

/** What is asked. */
export interface ClusterQuestion {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** behind the server's address, with the query */
  readonly path: string;
  /** sent as JSON */
  readonly body?: unknown;
  /** the question in words, behind "cannot": `read the job x` */
  readonly toDo: string;
  /** for answers that come bit by bit; ms, 0 = no limit of silence */
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
}

/** Who asks, and of whom. */
export interface Asker {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly http: Http;
}

/** Tries of one question, while the API is overloaded or has faults of its own, or nobody answers. */
const maxTries = 4;
/** Before another try, when the API does not say how long; doubles; ms. */
const firstPauseMs = 200;
/** Longest pause that the API may ask for; ms. */
const longestPauseMs = 5_000;
/** Answers after which the same question may be asked again: nothing was done, or doing it twice is harmless. */
const again: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const maxMessageChars = 1_000;

/**
 * Asks, a few times where the answer is a fault that passes. What is made has a name, so that asking twice makes one.
 * @returns an answer with a status of success, its body unread
 * @throws {ClusterError} for every other
 */
export async function askCluster(asker: Asker, question: ClusterQuestion): Promise<HttpAnswer> {
  const { clock } = asker;
  for (let tries = 1, pauseMs = firstPauseMs; ; tries += 1, pauseMs *= 2) {
    const { answer, error, waitMs } = await askOnce(asker, question);
    if (answer !== undefined) return answer;
    const mayPass = error.kind === 'unreachable' || again.has(error.status ?? 0);
    if (!mayPass || tries >= maxTries) throw error;
    await clock.sleep(Math.min(longestPauseMs, waitMs ?? pauseMs), question.signal);
  }
}

type Try =
  | { readonly answer: HttpAnswer; readonly error?: undefined; readonly waitMs?: undefined }
  | { readonly answer?: undefined; readonly error: ClusterError; readonly waitMs: number | null };

async function askOnce({ access, clock, http }: Asker, question: ClusterQuestion): Promise<Try> {
  const { method, path, body, toDo, stallMs, signal } = question;
  const { server } = access;
  const fail = (fault: ClusterFault, cause?: unknown) => new ClusterError({ server, toDo }, fault, cause);
  const token = access.token();
  let answer: HttpAnswer;
  try {
    answer = await http.request({
      method,
      url: server + path,
      headers: {
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(stallMs === undefined ? {} : { stallMs }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { code, message } = error;
    return { error: fail({ kind: 'unreachable', status: null, reason: code, message }, error), waitMs: null };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { answer };
  const said = await readStatus(answer);
  const isFaulty = status >= 500;
  const kind = isFaulty ? 'unreachable' : status === 401 || status === 403 ? 'denied' : 'refused';
  const seconds = said.details?.retryAfterSeconds;
  const waitMs =
    readRetryAfter(answer.headers['retry-after'], clock.now()) ??
    (seconds === undefined ? null : seconds * 1000);
  const message = (said.message || `it answered ${status}`).slice(0, maxMessageChars);
  return { error: fail({ kind, status, reason: said.reason, message }), waitMs };
}

async function readStatus(answer: HttpAnswer) {
  const nothing = { reason: '', message: '', details: null };
  try {
    const parsed = statusShape.safeParse(await answer.json());
    return parsed.success ? parsed.data : nothing;
  } catch {
    // an answer of something in between, such as a proxy
    return nothing;
  }
}
