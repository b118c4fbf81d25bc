import type { Clock } from '../../../pkg/clock/clock.ts';

/** How a runner elsewhere is stopped. */
export interface Stopping {
  readonly clock: Clock;
  /** aborted: it shall end */
  readonly signal: AbortSignal;
  /** how long one that was asked may take; ms */
  readonly stopMs: number;
  /** Asks it to end. */
  readonly ask: () => Promise<unknown>;
  /** Ends it. */
  readonly force: () => Promise<unknown>;
}

/** Does something while a runner works, and stops that when it is wished. What cannot be asked or ended is no fault of the work. */
export async function whileStoppable<T>(
  { clock, signal, stopMs, ask, force }: Stopping,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const stopping = aborted(signal, over.signal).then(async () => {
    if (over.signal.aborted) return;
    await ask();
    await clock.sleep(stopMs, over.signal).catch(() => {});
    if (!over.signal.aborted) await force();
  });
  try {
    return await work();
  } finally {
    over.abort();
    await stopping.catch(() => {});
  }
}

function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
