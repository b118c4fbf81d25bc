/** How an error looks on the wire: `{error: {code, message, status, details?}, meta: {timestamp, version}}`. */
import type { ErrorWire } from '../api/shapes.ts';
import { type ErrorDetails, httpStatusOf, InputError, KerutaError } from '../domain/errors.ts';

/** An error, ready to be sent. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorWire;
}

/** What every answer of one server carries. */
export interface AnswerMeta {
  readonly version: string;
  /** epoch ms */
  readonly now: number;
}

/** Turns any thrown thing into an answer. */
export function toErrorAnswer(error: unknown, meta: AnswerMeta): ErrorAnswer {
  const known = toKnown(error);
  const status = httpStatusOf(known);
  const envelope = { timestamp: new Date(meta.now).toISOString(), version: meta.version };
  if (!(known instanceof KerutaError)) {
    const message = 'The server has a fault of its own; its log tells more. Repeating the request may help.';
    return {
      status,
      headers: {},
      body: { error: { code: 'INTERNAL', message, status }, message, meta: envelope },
    };
  }
  const details = Object.keys(known.details).length > 0 ? { details: { ...known.details } } : {};
  return {
    status,
    headers: headersOf(status, known.details),
    body: {
      error: { code: known.code, message: known.message, status, ...details },
      message: known.message,
      meta: envelope,
    },
  };
}

function headersOf(status: number, details: ErrorDetails): Readonly<Record<string, string>> {
  // where the bytes of a stream go on: uploaders read it from the header, with or without a body
  if (typeof details.offset === 'number') return { 'upload-offset': String(details.offset) };
  if (typeof details.retryAfterMs === 'number') {
    return { 'retry-after': String(Math.max(1, Math.ceil(details.retryAfterMs / 1000))) };
  }
  if (status === 401) return { 'www-authenticate': 'Bearer realm="keruta"' };
  if (status === 503) return { 'retry-after': '1' };
  return {};
}

/** The faults of the HTTP layer under their names in our table; anything else as it is. */
function toKnown(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
    case 'FST_PARTS_LIMIT':
    case 'FST_FILES_LIMIT':
    case 'FST_FIELDS_LIMIT':
      return new InputError(
        'KERUTA_ERR_BODY_TOO_LARGE',
        'The body of the request, or a part of it, is over the limit of this route.',
        { cause: error },
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_INVALID_MULTIPART_CONTENT_TYPE':
      return new InputError(
        'KERUTA_ERR_UNSUPPORTED_MEDIA',
        'The content type of the body is not one that this route takes; JSON goes with Content-Type: application/json.',
        { cause: error },
      );
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_MP_PREMATURE_CLOSE':
    case 'FST_PROTO_VIOLATION':
    case 'ECONNRESET':
      return new InputError('KERUTA_ERR_BAD_BODY', 'The body ended before it was complete, or is damaged.', {
        cause: error,
      });
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new InputError(
        'KERUTA_ERR_BAD_VALUE',
        'The address cannot be read: its percent-encoding is damaged, or a part of it is too long.',
        { cause: error },
      );
    default:
      return error instanceof Error && formFault.test(error.message) ? damagedForm(error) : error;
  }
}

/** What the parser of forms says of a damaged one; its errors have no code. @see @fastify/busboy */
const formFault =
  /unexpected end of multipart data$|^Multipart: Boundary not found$|^Malformed content type$/i;

function damagedForm(cause: Error): InputError {
  return new InputError('KERUTA_ERR_BAD_BODY', `The form is damaged or not complete: ${cause.message}.`, {
    cause,
  });
}
