/**
 * Speaking from outside a run: straight to the API. When the API is away the request is kept in the spool, which the next
 * command or the agent delivers; `--strict` makes that a failure.
 */

import { randomUUID } from 'node:crypto';
import { isReadable } from '../../../internal/api/readable.ts';
import {
  drainSpool,
  type SendResult,
  type SpooledRequest,
  spoolRequest,
} from '../../../internal/api/spool.ts';
import {
  errorOf,
  InputError,
  isErrorCode,
  type KerutaError,
  UnavailableError,
} from '../../../internal/domain/errors.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { frequentPromise, patienceMs, usualPromise } from '../patience.ts';
import { parseLevel, parsePercentage, type Spoken } from './grammar.ts';
import { type LightAnswer, lightRequest } from './light-http.ts';

/** Where and as whom to speak. */
export interface OutsidePlace {
  /** base address, without trailing slash */
  readonly apiUrl: string;
  readonly token: string | null;
  readonly taskId: string;
  readonly spoolDirectory: string;
  /** the most that one request may take; ms */
  readonly timeoutMs: number;
  /** what the command has taken already; ms: it is taken off its patience */
  readonly spentMs: number;
  /** masks secrets in what is said: outside a run no agent does */
  readonly mask: (text: string) => string;
}

/** What it works with. */
export interface OutsideParts {
  readonly clock: Clock;
  /** unique within the process, for names in the spool */
  readonly order: string;
  readonly warn: (line: string) => void;
}

/** Makes the request of a command, its values judged. @throws {InputError} for a bad value */
export function outsideRequest(spoken: Spoken, place: OutsidePlace, at: number): SpooledRequest {
  const { command, positionals, values } = spoken;
  const task = `/api/v1/tasks/${encodeURIComponent(place.taskId)}`;
  const { mask } = place;
  const message = values.message === undefined ? {} : { message: mask(values.message) };
  const status = (body: object): SpooledRequest => ({
    method: 'PUT',
    apiUrl: place.apiUrl,
    path: `${task}/status`,
    body,
    at,
  });
  switch (command.name) {
    case 'start':
      return status({ status: 'PROCESSING', progress: 0, ...message });
    case 'progress':
      return status({ status: 'PROCESSING', progress: parsePercentage(positionals[0] ?? ''), ...message });
    case 'success':
      return status({ status: 'COMPLETED', progress: 100, ...message });
    case 'fail':
      return status({ status: 'FAILED', errorCode: mask(values['error-code'] ?? ''), ...message });
    case 'log':
      return {
        method: 'POST',
        apiUrl: place.apiUrl,
        path: `${task}/logs`,
        body: { level: parseLevel(positionals[0] ?? ''), message: mask(positionals[1] ?? '') },
        key: randomUUID(),
        at,
      };
    default:
      throw new InputError('KERUTA_ERR_USAGE', `${command.name}: only inside a run`);
  }
}

/**
 * Sends a request, or keeps it when the API is away.
 * @param options.strict  an API that is away is an error
 * @param options.isFrequent  it is said in loops, and so waits less for an API that does not answer
 * @returns whether it was sent or kept
 * @throws the server's own error when it refuses; {UnavailableError} KERUTA_ERR_API_UNAVAILABLE with `strict`
 */
export async function speakOutside(
  parts: OutsideParts,
  place: OutsidePlace,
  options: {
    readonly requests: readonly SpooledRequest[];
    readonly strict: boolean;
    readonly isFrequent: boolean;
  },
): Promise<'sent' | 'kept'> {
  const longest = patienceMs(options.isFrequent ? frequentPromise : usualPromise, place.spentMs);
  const deadline = parts.clock.monotonicMs() + Math.min(longest, place.timeoutMs);
  const left = () => Math.max(1, deadline - parts.clock.monotonicMs());
  const sendOld = async (request: SpooledRequest): Promise<SendResult> => {
    const problem = await trySend(parts.clock, place, request, left);
    if (problem === null) return 'sent';
    return problem.kind === 'unavailable' || problem.kind === 'denied' ? 'later' : 'refused';
  };
  const drained = await drainSpool(place.spoolDirectory, {
    apiUrl: place.apiUrl,
    now: () => parts.clock.now(),
    send: sendOld,
  });
  if (drained.sent > 0) parts.warn(`delivered ${drained.sent} kept request${drained.sent === 1 ? '' : 's'}`);
  let kept = false;
  for (const [index, request] of options.requests.entries()) {
    const problem = kept ? null : await trySend(parts.clock, place, request, left);
    if (!kept && problem === null) continue;
    if (problem !== null && problem.kind !== 'unavailable') throw problem;
    if (options.strict && problem) throw problem;
    if (problem) parts.warn(`${problem.message}; kept for later in ${place.spoolDirectory}`);
    kept = true;
    spoolRequest(place.spoolDirectory, request, `${parts.order}-${index}`);
  }
  return kept ? 'kept' : 'sent';
}

/** Sends one request; older servers know PROCESSING as IN_PROGRESS. @returns what went wrong; null when nothing */
async function trySend(
  clock: Clock,
  place: OutsidePlace,
  request: SpooledRequest,
  left: () => number,
): Promise<KerutaError | null> {
  const once = async (body: unknown): Promise<LightAnswer | KerutaError> => {
    try {
      const url = place.apiUrl + request.path;
      const { method, key } = request;
      const how = { method, key, token: place.token, timeoutMs: left() };
      return await lightRequest(clock, { ...how, url, body });
    } catch (cause) {
      const text = `API at ${place.apiUrl}: expected an answer, got ${reasonOf(cause)}`;
      return new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', text, { cause });
    }
  };
  let answer = await once(request.body);
  const body = request.body as { status?: unknown };
  if ('status' in answer && [400, 422, 500].includes(answer.status) && body.status === 'PROCESSING') {
    const again = await once({ ...body, status: 'IN_PROGRESS' });
    if ('status' in again && again.status < 300) answer = again;
  }
  return 'status' in answer ? problemOf(place, answer) : answer;
}

function reasonOf(cause: unknown): string {
  const error = cause as { code?: string; message?: string };
  return error.message || error.code || 'nothing';
}

/** Reads what a server said; null for a 2xx that can be its own. */
function problemOf(place: OutsidePlace, answer: LightAnswer): KerutaError | null {
  const { status, text } = answer;
  if (status >= 200 && status < 300 && isReadable(text)) return null;
  const said = readError(text);
  const quote = said.message ?? text.slice(0, 200).replace(/\s+/g, ' ');
  const where = `API at ${place.apiUrl}, task ${place.taskId}`;
  if (status < 400) {
    const what = status < 300 ? `${status} with ${quote}` : `${status}, a redirect, which is not followed`;
    const next = 'check that KERUTA_API_URL is the address of the API itself';
    return new UnavailableError('KERUTA_ERR_API_ANSWER', `${where}: expected JSON, got ${what}; ${next}`);
  }
  const message = said.message && said.code ? said.message : `${where}: expected 2xx, got ${status} ${quote}`;
  if (isErrorCode(said.code)) return errorOf(said.code, message);
  if (status === 401) return errorOf('KERUTA_ERR_UNAUTHENTICATED', `${message}; check KERUTA_API_TOKEN`);
  if (status === 403) return errorOf('KERUTA_ERR_FORBIDDEN', message);
  if (status === 404) return errorOf('KERUTA_ERR_TASK_NOT_FOUND', message);
  if (status === 409) return errorOf('KERUTA_ERR_TASK_ENDED', message);
  if (status === 408 || status === 429 || status >= 500)
    return errorOf('KERUTA_ERR_API_UNAVAILABLE', message);
  return errorOf('KERUTA_ERR_BAD_BODY', message);
}

function readError(text: string): { code?: string; message?: string } {
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: string };
    if (typeof error === 'object' && error !== null) return error as { code?: string; message?: string };
    return typeof error === 'string' ? { message: message ? `${error}: ${message}` : error } : {};
  } catch {
    return {};
  }
}
