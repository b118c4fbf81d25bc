import { ConflictError } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Transaction } from '../store/store.ts';

/**
 * Puts a session whose name may be new.
 * @throws {ConflictError} KERUTA_ERR_SESSION_NAME_TAKEN, which says the name; the store does not know what it refused
 */
export async function putNamedSession(tx: Transaction, session: Session): Promise<void> {
  try {
    await tx.putSession(session);
  } catch (cause) {
    if (!(cause instanceof ConflictError) || cause.code !== 'KERUTA_ERR_SESSION_NAME_TAKEN') throw cause;
    const name = JSON.stringify(session.name);
    throw new ConflictError(cause.code, `Another session is named ${name}; take another name.`, { cause });
  }
}
