import { forgetTasks } from './forget-tasks.ts';
import type { SessionParts } from './parts.ts';
import { sweepRemovals } from './removals.ts';

/** How often is looked for what is to go, at most and at least; ms. */
const [oftenMs, seldomMs] = [60_000, 3_600_000];
/** Rounds that fail one after another until it counts. */
const maxFailures = 3;

/** A loop that removes what nobody keeps any longer. */
export interface Retaining {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** What does not work, though the server does its work. */
  doubts(): readonly string[];
}

/** Removes what is too old, until the signal is aborted. Any number of servers may do this on one store. */
export function startRetention(parts: SessionParts, signal: AbortSignal): Retaining {
  const { clock, log, tasksKeepMs = null } = parts;
  const everyMs = Math.min(seldomMs, Math.max(oftenMs, (tasksKeepMs ?? seldomMs) / 24));
  let failures = 0;
  return {
    ended: goOn(),
    doubts: () => (failures < maxFailures ? [] : ['retention: what is too old cannot be removed']),
  };

  async function goOn(): Promise<void> {
    while (!signal.aborted) {
      await round();
      // what failed is not put off for an hour
      await clock.sleep(failures > 0 ? oftenMs : everyMs, signal).catch(() => {});
    }
  }

  async function round(): Promise<void> {
    try {
      const tasks = await forgetTasks(parts, signal);
      if (tasks > 0) log.info('tasks that ended long ago were removed', { tasks, keptMs: tasksKeepMs });
      await sweepRemovals(parts, signal);
      const now = await parts.store.now();
      await parts.store.transact((tx) => tx.forgetMeta(now));
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      log.warn('what is too old could not be removed; it is tried again', { error });
    }
  }
}
