import type { Clock } from '../../pkg/clock/clock.ts';
import { UnavailableError } from '../domain/errors.ts';

/**
 * Waits for an answer, but not for ever. Work that is late goes on to its end; what it does is done once, so asking again
 * is safe.
 * @param deadline.ms       how long; > 0
 * @param deadline.onLate   called when the time is over, with the reason
 * @throws {UnavailableError} KERUTA_ERR_DEADLINE
 */
export function withDeadline<T>(
  work: Promise<T>,
  deadline: { readonly clock: Clock; readonly ms: number; readonly onLate: (reason: Error) => void },
): Promise<T> {
  const { clock, ms, onLate } = deadline;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      const late = new UnavailableError(
        'KERUTA_ERR_DEADLINE',
        `The server did not get this done within ${ms / 1000} s; it may still be done. Repeat it in a moment.`,
      );
      reject(late);
      onLate(late);
    });
    work.then(resolve, reject).finally(cancel);
  });
}
