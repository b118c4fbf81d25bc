/** The server cannot be reached, the connection broke, or no connection was free in time. Whether a statement that was under way took effect is not known. */
export class PostgresConnectionError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'PostgresConnectionError';
  }
}

/** What PostgreSQL said about a statement. */
export interface PostgresFault {
  /** SQLSTATE; https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  /** the constraint that was violated; `''` when it is not about one */
  readonly constraint: string;
}

/** Reads an error of PostgreSQL; null when the error is not one. */
export function postgresFaultOf(error: unknown): PostgresFault | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null;
  if (typeof error.code !== 'string') return null;
  const constraint = 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '';
  return { code: error.code, constraint };
}
