/** Who changes a checkout: the agent that brings a task's commit there, or a person who undoes a task. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { realOf } from '../../../pkg/files/names-in.ts';
import { type AskedLock, takeProcessLock } from '../process-lock.ts';

/** How often a checkout is tried that somebody else has; ms. */
const pollMs = 40;

/**
 * Takes the lock of a checkout. It is held for the moment in which the work tree is changed; while a script runs there, the
 * record of its run says so.
 * @param privateDirectory  `<base>/git`; made when missing
 */
export function lockCheckout(place: {
  readonly privateDirectory: string;
  readonly directory: string;
  readonly pid: number;
}): AskedLock {
  mkdirSync(place.privateDirectory, { recursive: true, mode: 0o700 });
  const name = createHash('sha256').update(realOf(place.directory)).digest('hex').slice(0, 16);
  return takeProcessLock(join(place.privateDirectory, `checkout-${name}.lock`), place.pid);
}

/** Does something with a checkout when nobody else changes it. @throws the signal's reason while it waits; what the action throws */
export async function withCheckout<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  place: Parameters<typeof lockCheckout>[0],
  action: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const asked = tryLock(place);
    if (asked === null) return action();
    if ('letGo' in asked) {
      try {
        return await action();
      } finally {
        asked.letGo();
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

/** Null where no lock can be had, as on a full disk: what the task meets there it tells itself. */
function tryLock(place: Parameters<typeof lockCheckout>[0]): AskedLock | null {
  try {
    return lockCheckout(place);
  } catch {
    return null;
  }
}
