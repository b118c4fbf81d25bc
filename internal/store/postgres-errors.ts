import { PostgresConnectionError, type PostgresFault, postgresFaultOf } from '../../pkg/postgres/errors.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../domain/errors.ts';

/** SQLSTATEs that say: not now. The last two begin a class. */
const notNow: readonly string[] = [
  '25006', // read-only transaction
  '28000', // not let in
  '28P01', // wrong password
  '3D000', // no such database
  '42501', // no privilege
  '53300', // too many connections
  '55P03', // lock timeout
  '57014', // statement timeout
];

/** SQLSTATEs of transactions that succeed when they are done again: serialization failure, deadlock. */
const again: readonly string[] = ['40001', '40P01'];

/** Whether doing the transaction again may succeed. */
export function isWorthAgain(error: unknown): boolean {
  return again.includes(postgresFaultOf(error)?.code ?? '');
}

/**
 * Makes one of our errors of what PostgreSQL says; what is a bug comes back as it is, and so does what `isWorthAgain`.
 * Messages never hold the URL: it may hold a password.
 */
export function mapPostgresError(error: unknown): unknown {
  if (error instanceof PostgresConnectionError) return unavailable(error.message, error);
  const fault = postgresFaultOf(error);
  if (!fault) return error;
  if (fault.code === '23505') return ofUnique(fault, error);
  if (fault.code === '23503')
    return new NotFoundError('KERUTA_ERR_NOT_FOUND', 'the session or task that this belongs to is gone', {
      cause: error,
    });
  if (fault.code === '53100')
    return new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      'no space is left at the database: free some, then try again',
      { cause: error },
    );
  if (notNow.includes(fault.code) || /^(08|57P)/.test(fault.code))
    return unavailable((error as Error).message, error);
  return error;
}

/** What is left when doing it again did not help. */
export function mapAfterRetries(error: unknown): unknown {
  return isWorthAgain(error) ? unavailable((error as Error).message, error) : error;
}

function ofUnique(fault: PostgresFault, error: unknown): unknown {
  if (fault.constraint === 'sessions_name')
    return new ConflictError('KERUTA_ERR_SESSION_NAME_TAKEN', 'another session has this name: take another', {
      cause: error,
    });
  if (fault.constraint === 'workflows_name')
    return new ConflictError(
      'KERUTA_ERR_WORKFLOW_NAME_TAKEN',
      'another workflow has this name: take another',
      {
        cause: error,
      },
    );
  if (fault.constraint === 'tasks_idempotency_key')
    return new ConflictError('KERUTA_ERR_IDEMPOTENCY', 'the idempotency key was used for another task', {
      cause: error,
    });
  return error;
}

function unavailable(finding: string, error: unknown): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_STORE_UNAVAILABLE',
    `the database cannot do this now (${finding}): see that it runs and can be reached, then try again`,
    { cause: error },
  );
}
