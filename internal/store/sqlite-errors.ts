import {
  DatabaseClosedError,
  DatabaseDamagedError,
  DatabaseInUseError,
  sqliteCodeOf,
  sqliteCodes,
} from '../../pkg/sqlite/errors.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../domain/errors.ts';

/** Makes one of our errors of what SQLite says; what is a bug comes back as it is. */
export function mapSqliteError(error: unknown, file: string): unknown {
  if (error instanceof DatabaseClosedError)
    return new UnavailableError('KERUTA_ERR_STORE_UNAVAILABLE', `the store ${file} is closed`, {
      cause: error,
    });
  if (error instanceof DatabaseInUseError)
    return new ConflictError(
      'KERUTA_ERR_SERVER_RUNNING',
      `another server has the store ${file}: stop it, or use another data directory`,
      { cause: error },
    );
  if (error instanceof DatabaseDamagedError) return damaged(file, error);
  const code = sqliteCodeOf(error);
  if (!code) return mapSystemError(error, file);
  if (code.extended === sqliteCodes.unique) return ofUnique(error as Error);
  if (code.extended === sqliteCodes.foreignKey)
    return new NotFoundError('KERUTA_ERR_NOT_FOUND', 'the session or task that this belongs to is gone', {
      cause: error,
    });
  switch (code.primary) {
    case sqliteCodes.full:
      return diskFull(file, error);
    case sqliteCodes.corrupt:
    case sqliteCodes.notADatabase:
      return damaged(file, error);
    case sqliteCodes.busy:
    case sqliteCodes.readOnly:
    case sqliteCodes.ioError:
    case sqliteCodes.cannotOpen:
      return unavailable(file, error);
    default:
      return error;
  }
}

function ofUnique(error: Error): unknown {
  if (error.message.endsWith('sessions.name'))
    return new ConflictError('KERUTA_ERR_SESSION_NAME_TAKEN', 'another session has this name: take another', {
      cause: error,
    });
  if (error.message.endsWith('workflows.name'))
    return new ConflictError(
      'KERUTA_ERR_WORKFLOW_NAME_TAKEN',
      'another workflow has this name: take another',
      {
        cause: error,
      },
    );
  if (error.message.endsWith('tasks.idempotency_key'))
    return new ConflictError('KERUTA_ERR_IDEMPOTENCY', 'the idempotency key was used for another task', {
      cause: error,
    });
  return error;
}

function mapSystemError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return diskFull(file, error);
  if (error.code === 'ERR_INVALID_STATE') return unavailable(file, error);
  return typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code) ? unavailable(file, error) : error;
}

function damaged(file: string, error: unknown): ConflictError {
  const finding = error instanceof Error ? error.message : String(error);
  return new ConflictError(
    'KERUTA_ERR_STORE_DAMAGED',
    `the store ${file} cannot be read (${finding}); it was left as it is: restore it from a backup, or move it away to begin anew`,
    { cause: error },
  );
}

function diskFull(file: string, error: unknown): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_DISK_FULL',
    `no space is left for the store ${file}: free some, then try again`,
    { cause: error },
  );
}

function unavailable(file: string, error: unknown): UnavailableError {
  const finding = error instanceof Error ? error.message : String(error);
  return new UnavailableError(
    'KERUTA_ERR_STORE_UNAVAILABLE',
    `the store ${file} does not take this now (${finding})`,
    { cause: error },
  );
}
