import { ClockSkew } from './clock-skew.ts';
import { forgetEvents } from './forget-events.ts';
import type { SessionParts } from './parts.ts';
import { tick } from './tick.ts';
import { Wakeup } from './wakeup.ts';
import { refreshZoneData } from './zone-data.ts';

/** Looked at least so often, whatever was heard: a clock that was set, a machine that slept; ms. */
const maxSleepMs = 15_000;
/** How often events that are too old are looked for; ms. */
const forgetEveryMs = 3_600_000;
/** Counters of days and hours that were written last so long ago are over in every zone; ms. */
const countersKeptMs = 7 * 86_400_000;
/** After a round in which something could not be decided; ms. */
const againMs = 1_000;

/** A loop that fires what falls due. */
export interface Triggering {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** Why nothing would fire now; null when all is well. */
  problem(): string | null;
  /** What is doubtful although they fire. */
  doubts(): readonly string[];
}

/**
 * Fires triggers until the signal is aborted. Sleeps until the next one falls due; a trigger that is made or changed wakes it.
 * Any number of servers may do this on one store.
 */
export function startTriggers(parts: SessionParts, signal: AbortSignal): Triggering {
  const { store, clock, log } = parts;
  let fault: string | null = null;
  /** why some of them could not be decided when they were looked at last */
  let undecided: string | null = null;
  let forgotAt = Number.NEGATIVE_INFINITY;
  const skew = new ClockSkew(log);
  const doubts = () => [skew.doubt(), undecided].filter((doubt) => doubt !== null);
  return { ended: goOn(), problem: () => fault, doubts };

  async function goOn(): Promise<void> {
    const wakeup = new Wakeup(store, 'triggers');
    try {
      await refreshZoneData(parts).catch((error: unknown) =>
        log.warn('whether the time zone data changed could not be looked at', { error }),
      );
      while (!signal.aborted) await wakeup.wait(clock, await round(), signal);
    } finally {
      wakeup.close();
    }
  }

  async function storeNow(): Promise<number> {
    const before = clock.now();
    const now = await store.now();
    skew.note({ before, store: now, after: clock.now() });
    return now;
  }

  /** @returns how long to sleep; ms */
  async function round(): Promise<number> {
    try {
      const faults: unknown[] = [];
      await tick(parts, signal, (error) => faults.push(error));
      undecided = faults.length === 0 ? null : `triggers: some cannot be decided now: ${wordOf(faults[0])}`;
      if (clock.monotonicMs() - forgotAt >= forgetEveryMs) {
        await forgetEvents(parts, signal);
        const before = (await store.now()) - countersKeptMs;
        await store.transact((tx) => tx.forgetCounters(before));
        forgotAt = clock.monotonicMs();
      }
      const next = await store.nextDueAt();
      fault = null;
      const now = await storeNow();
      const left = next === null ? maxSleepMs : next - now;
      // what is due still is another server's, or failed just now
      return left <= 0 ? againMs : Math.min(maxSleepMs, left);
    } catch (error) {
      if (signal.aborted) return 0;
      fault = `triggers do not fire: ${wordOf(error)}`;
      log.warn('triggers could not be looked at; it is tried again', { error });
      return againMs;
    }
  }
}

const wordOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
