/**
 * Errors: keruta could not do its part. (A task that fails is an outcome, not an error.)
 *
 * A message names the thing, what was expected, what came, and the next step; it is safe to show to a user.
 */
import { type CodeOf, type ErrorCode, type ErrorKind, type ErrorRow, errorTable } from './error-table.ts';

/** What may be attached to an error: values for programs, safe to show. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Options of every error: `cause` is kept for the log and never shown. */
export interface ErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
}

/** Written out, since the executable's classes have other names. */
const nameOfKind: Record<ErrorKind, string> = {
  input: 'InputError',
  denied: 'DeniedError',
  'not-found': 'NotFoundError',
  conflict: 'ConflictError',
  unavailable: 'UnavailableError',
};

/** The common part of the five errors. Nothing else is thrown on purpose in `internal/` and `cmd/`. */
export class KerutaError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = nameOfKind[errorTable[code].kind];
    this.code = code;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return errorTable[this.code].kind;
  }
}

/** What came in is wrong; repeating it does not help. Exit 2, HTTP 400. */
export class InputError extends KerutaError {
  constructor(code: CodeOf<'input'>, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Not allowed. Exit 3, HTTP 401 or 403. */
export class DeniedError extends KerutaError {
  constructor(code: CodeOf<'denied'>, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The thing is not there. Exit 4, HTTP 404. */
export class NotFoundError extends KerutaError {
  constructor(code: CodeOf<'not-found'>, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The thing is there, but not in a state that allows this. Exit 5, HTTP 409. */
export class ConflictError extends KerutaError {
  constructor(code: CodeOf<'conflict'>, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Not now; safe to repeat later. Exit 6, HTTP 503. */
export class UnavailableError extends KerutaError {
  constructor(code: CodeOf<'unavailable'>, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

const exitOfKind: Record<ErrorKind, number> = {
  input: 2,
  denied: 3,
  'not-found': 4,
  conflict: 5,
  unavailable: 6,
};
const httpOfKind: Record<ErrorKind, number> = {
  input: 400,
  denied: 403,
  'not-found': 404,
  conflict: 409,
  unavailable: 503,
};

/** The exit status of a process that ends with this error; 70 for a bug. */
export function exitStatusOf(error: unknown): number {
  if (!(error instanceof KerutaError)) return 70;
  const row: ErrorRow = errorTable[error.code];
  return row.exit ?? exitOfKind[error.kind];
}

/** The HTTP status that answers this error; 500 for a bug. */
export function httpStatusOf(error: unknown): number {
  if (!(error instanceof KerutaError)) return 500;
  const row: ErrorRow = errorTable[error.code];
  return row.http ?? httpOfKind[error.kind];
}

/** Makes the error of a code's own class, for codes that arrive over the wire. */
export function errorOf(code: ErrorCode, message: string, options?: ErrorOptions): KerutaError {
  const classes = {
    input: InputError,
    denied: DeniedError,
    'not-found': NotFoundError,
    conflict: ConflictError,
    unavailable: UnavailableError,
  } as const;
  const ErrorClass = classes[errorTable[code].kind] as new (
    code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) => KerutaError;
  return new ErrorClass(code, message, options);
}

/** Whether a text is a code of the table. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorTable, text);
}
