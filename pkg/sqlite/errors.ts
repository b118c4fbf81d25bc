/** Another process (or another part of this one) holds the database file. */
export class DatabaseInUseError extends Error {
  readonly file: string;

  constructor(file: string, options?: { readonly cause?: unknown }) {
    super(`the database ${file} is in use by another process`, options);
    this.name = 'DatabaseInUseError';
    this.file = file;
  }
}

/** The file is not a database, or its pages do not fit together. It was left as it is. */
export class DatabaseDamagedError extends Error {
  readonly file: string;

  constructor(file: string, finding: string, options?: { readonly cause?: unknown }) {
    super(`the database ${file} is damaged: ${finding}`, options);
    this.name = 'DatabaseDamagedError';
    this.file = file;
  }
}

/** The database was closed, or a statement came from a transaction that has ended. */
export class DatabaseClosedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DatabaseClosedError';
  }
}

/**
 * Result codes that callers tell apart: the primary ones, and three extended ones.
 * @see https://www.sqlite.org/rescode.html
 */
export const sqliteCodes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
  foreignKey: 787,
  primaryKey: 1555,
  unique: 2067,
} as const;

/**
 * The result code of an error of SQLite.
 * @returns the extended code and its low byte, the primary code; null when the error is not one of SQLite
 */
export function sqliteCodeOf(error: unknown): { readonly extended: number; readonly primary: number } | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return { extended: error.errcode, primary: error.errcode & 0xff };
}
