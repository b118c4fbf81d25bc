/** What may go wrong between two machines, told apart so that the caller can decide. An answer with a bad status is no error. */

import { addressDenied } from '../outbound/denied.ts';

/** Options of every error here. */
export interface HttpErrorOptions {
  readonly cause?: unknown;
  /** the system's or the protocol's own code, such as `ECONNREFUSED`; `''` when there is none */
  readonly code?: string;
}

/** The common part. The message names the address without its query. */
export class HttpError extends Error {
  // names are written out, since the executable's classes have other ones
  override name = 'HttpError';
  /** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, …; `''` when there is none */
  readonly code: string;

  constructor(message: string, options: HttpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? '';
  }
}

/** A host, or the address that its name leads to, is not called; nothing was sent. */
export class HttpDeniedError extends HttpError {
  override name = 'HttpDeniedError';
}

/** No connection came about: refused, unknown host, no route, TLS. The request was not sent. */
export class HttpConnectError extends HttpError {
  override name = 'HttpConnectError';
}

/** A limit of time ran out. `phase` connect: the request was not sent; headers, stall: it may have had its effect. */
export class HttpTimeoutError extends HttpError {
  override name = 'HttpTimeoutError';
  readonly phase: 'connect' | 'headers' | 'stall';

  constructor(phase: HttpTimeoutError['phase'], message: string, options: HttpErrorOptions = {}) {
    super(message, options);
    this.phase = phase;
  }
}

/** The connection broke, or what came is not HTTP. The request may have had its effect. */
export class HttpResetError extends HttpError {
  override name = 'HttpResetError';
}

/** The body of an answer is longer than it may be. */
export class HttpTooLargeError extends HttpError {
  override name = 'HttpTooLargeError';
}

const notConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPROTO',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
]);

/**
 * Turns what the HTTP library or the system throws into one of the errors above.
 * @param at where the request went, for the message
 */
export function httpErrorOf(error: unknown, at: string): HttpError {
  if (error instanceof HttpError) return error;
  const code = codeOf(error);
  const options = { cause: error, code };
  if (code === addressDenied)
    return new HttpDeniedError(`${at} leads to an address that is not called`, options);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return new HttpTimeoutError('connect', `no connection to ${at} within the time limit`, options);
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new HttpTimeoutError('headers', `no answer from ${at} within the time limit`, options);
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return new HttpTimeoutError('stall', `the answer from ${at} stopped in the middle`, options);
  if (notConnected.has(code) || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS'))
    return new HttpConnectError(`no connection to ${at}: ${code}`, options);
  const what = error instanceof Error ? error.message : String(error);
  return new HttpResetError(`the connection to ${at} broke: ${what}${code ? ` (${code})` : ''}`, options);
}

/** Finds the code of an error; when several addresses were tried, that of the first one. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
