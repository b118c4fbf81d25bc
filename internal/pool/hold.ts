import type { Clock } from '../../pkg/clock/clock.ts';
import { DatabaseInUseError } from '../../pkg/sqlite/errors.ts';
import { holdFile } from '../../pkg/sqlite/file-lock.ts';

/** How often a lock is tried that another process has; ms. */
const pollMs = 40;

/**
 * Does something while no other process, and no other call of this one, does anything under the same lock. The lock is one
 * of the operating system: it ends with the process.
 *
 * @param lock  a file name, to which `.lock` is put; its directory exists
 * @throws the signal's reason while it waits; what the action throws
 */
export async function holding<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  lock: string,
  action: () => Promise<T> | T,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const held = tryHold(lock);
    if (held !== null) {
      try {
        return await action();
      } finally {
        held.letGo();
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

function tryHold(lock: string): ReturnType<typeof holdFile> | null {
  try {
    return holdFile(lock, 0);
  } catch (error) {
    if (error instanceof DatabaseInUseError) return null;
    throw error;
  }
}
