/** Turns what came back, or did not come back, into one of the five errors. */
import { type HttpError, HttpTimeoutError, HttpTooLargeError } from '../../pkg/http/http-errors.ts';
import { readRetryAfter } from '../../pkg/http/retry-after.ts';
import type { CodeOf, ErrorCode, ErrorKind } from '../domain/error-table.ts';
import { errorTable } from '../domain/error-table.ts';
import {
  type ErrorDetails,
  errorOf,
  isErrorCode,
  type KerutaError,
  UnavailableError,
} from '../domain/errors.ts';

/** A refused request, as far as its error depends on it. */
export interface FailedAnswer {
  readonly method: string;
  /** without query */
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** the body, possibly cut */
  readonly body: string;
  /** for a 404 whose body names no code of ours */
  readonly notFound: CodeOf<'not-found'>;
  /** for a 409 whose body names no code of ours */
  readonly conflict: CodeOf<'conflict'>;
  /** epoch ms, for Retry-After dates */
  readonly now: number;
}

/**
 * Makes the error of an answer that is not 2xx. A code of ours in the body is kept when it is of the status' kind.
 * `details` always has `status`; `retryAfterMs` and `offset` when the headers say so; and what the server attached.
 */
export function errorOfAnswer(answer: FailedAnswer): KerutaError {
  const said = readErrorBody(answer.body);
  const offset = readOffset(answer.headers['upload-offset']);
  const retryAfterMs = readRetryAfter(answer.headers['retry-after'], answer.now);
  const details: ErrorDetails = {
    ...said.details,
    status: answer.status,
    ...(said.code === null ? {} : { serverCode: said.code }),
    ...(offset === null ? {} : { offset }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
  const code = codeOf(answer, said.code, offset);
  return errorOf(code, messageOf(answer, said.message), { details });
}

/** Makes the error of a request without an answer. @param baseUrl the configured address */
export function errorOfNetwork(error: HttpError, baseUrl: string): KerutaError {
  if (error instanceof HttpTooLargeError)
    return new UnavailableError('KERUTA_ERR_API_ANSWER', `${error.message}. ${checkAddress(baseUrl)}`, {
      cause: error,
    });
  const late = error instanceof HttpTimeoutError && error.phase !== 'connect';
  const next = late
    ? 'Check that the server is not overloaded, then try again.'
    : /CERT|LEAF_SIGNATURE/.test(error.code)
      ? 'Check its certificate; the variable NODE_EXTRA_CA_CERTS names a file with authorities of your own.'
      : checkAddress(baseUrl);
  return new UnavailableError(
    'KERUTA_ERR_API_UNAVAILABLE',
    `The API is not available: ${error.message}. ${next}`,
    {
      cause: error,
      details: { url: baseUrl, ...(error.code === '' ? {} : { cause: error.code }) },
    },
  );
}

/** Makes the error of a 2xx answer that is not what the API says. At most 200 bytes of it are quoted, without tokens. */
export function errorOfStrangeAnswer(
  answer: { readonly method: string; readonly url: string; readonly status: number; readonly body: string },
  why: string,
): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_API_ANSWER',
    `${answer.method} ${answer.url} answered ${answer.status}, but ${why}: ${quote(answer.body)}. ` +
      'Check that KERUTA_API_URL is the address of the API and not of a proxy or a login page.',
    { details: { status: answer.status } },
  );
}

/** What the body of an error says; the four shapes of older servers and ours. */
export interface ErrorBody {
  readonly code: string | null;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** Reads the body of an error: empty, `[]`, `{error, message}`, or the envelope `{error: {code, message, …}, meta}`. */
export function readErrorBody(body: string): ErrorBody {
  const value = record(parseJson(body));
  const envelope = record(value.error);
  const source = typeof value.error === 'object' && value.error !== null ? envelope : value;
  const message = [source.message, value.error, value.message].find(
    (text) => typeof text === 'string' && text,
  );
  return {
    code: typeof source.code === 'string' ? source.code : null,
    message: typeof message === 'string' ? message : '',
    details: record(source.details),
  };
}

/** Reads an Upload-Offset header; null when it is none. */
export function readOffset(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header.trim()) ? Number(header) : null;
}

function codeOf(answer: FailedAnswer, said: string | null, offset: number | null): ErrorCode {
  const kind = kindOf(answer.status);
  if (isErrorCode(said) && errorTable[said].kind === kind) return said;
  if (kind === 'conflict') return offset === null ? answer.conflict : 'KERUTA_ERR_OFFSET_MISMATCH';
  if (kind === 'not-found') return answer.status === 405 ? 'KERUTA_ERR_METHOD' : answer.notFound;
  if (kind === 'denied') return answer.status === 401 ? 'KERUTA_ERR_UNAUTHENTICATED' : 'KERUTA_ERR_FORBIDDEN';
  if (kind === 'input') return answer.status === 413 ? 'KERUTA_ERR_BODY_TOO_LARGE' : 'KERUTA_ERR_BAD_BODY';
  return answer.status < 400 ? 'KERUTA_ERR_API_ANSWER' : 'KERUTA_ERR_API_UNAVAILABLE';
}

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404 || status === 405 || status === 410) return 'not-found';
  if (status === 409) return 'conflict';
  if (status === 408 || status === 429 || status >= 500 || status < 400) return 'unavailable';
  return 'input';
}

function messageOf(answer: FailedAnswer, said: string): string {
  const call = `${answer.method} ${answer.url}`;
  if (answer.status < 400)
    return `${call} answered ${answer.status}, a redirect to ${quote(answer.headers.location ?? '')}; redirects are not followed. Set KERUTA_API_URL to the address of the API itself.`;
  const what = said || (answer.body.trim() ? quote(answer.body) : 'without saying why');
  const next = nextStep(answer.status, said !== '');
  return `${call} answered ${answer.status}: ${what}${/[.!?]$/.test(what) ? '' : '.'}${next === '' ? '' : ` ${next}`}`;
}

/** What to do about a status. A server that says why also says what to do, except about tokens. */
function nextStep(status: number, isSaid: boolean): string {
  if (status === 401) return 'Check KERUTA_API_TOKEN or KERUTA_API_TOKEN_FILE.';
  if (status === 403) return 'Use a token whose scope covers it.';
  if (isSaid) return '';
  if (status === 404) return 'Check that KERUTA_API_URL is the address of the API.';
  return status >= 500 ? 'Try again; if it stays so, look into the log of the server.' : '';
}

const checkAddress = (baseUrl: string) =>
  `Check that the server runs at ${baseUrl} and that KERUTA_API_URL is right.`;

/** The beginning of foreign text: one line, 200 bytes at most, tokens masked. */
function quote(text: string): string {
  const masked = text.replace(/krt_[\w-]+/g, 'krt_***');
  const bytes = Buffer.from(masked.replace(/[\p{Cc}\s]+/gu, ' ').trim());
  const cut = new TextDecoder().decode(bytes.subarray(0, 200)).replace(/\uFFFD$/, '');
  return cut === '' ? 'an empty body' : `"${cut}"${bytes.length > 200 ? '…' : ''}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
