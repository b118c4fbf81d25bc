/** Tells GitHub what became of the tasks that it fired. */
import type { GithubApp } from '../../pkg/github/app.ts';
import type { SessionParts } from './parts.ts';
import { sendReport } from './send-report.ts';
import { Wakeup } from './wakeup.ts';

/** A loop that tells reports. */
export interface Reporting {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** What does not work, one line each, with no names in it: anybody may read it. It goes on being tried. */
  doubts(): readonly string[];
}

/** Looked at least so often, whatever was heard: another server may have ended with a report in hand; ms. */
const maxSleepMs = 15_000;
/** After a round in which something was wrong with the store; ms. */
const againMs = 1_000;
/** So many are looked for at a time. */
const maxAtOnce = 50;
/** After so many failures one after another it is a doubt. */
const doubtAfter = 3;
/** How long reports are remembered, and how often those that are too old are looked for; ms. */
const keptMs = 30 * 86_400_000;
const forgetEveryMs = 3_600_000;

/** Tells reports until the signal is aborted. Any number of servers may do this on one store. */
export function startReports(parts: SessionParts, app: GithubApp, signal: AbortSignal): Reporting {
  const { store, clock, log } = parts;
  let failures = 0;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let forgotAt = Number.NEGATIVE_INFINITY;
  const doubt = 'github: reports are not taken; the log of the server says why';
  return { ended: goOn(), doubts: () => (failures >= doubtAfter ? [doubt] : []) };

  async function goOn(): Promise<void> {
    const wakeup = new Wakeup(store, 'reports');
    try {
      while (!signal.aborted) {
        const waitMs = await round().catch((error: unknown) => {
          if (!signal.aborted) log.warn('reports could not be looked at; it is tried again', { error });
          return againMs;
        });
        await wakeup.wait(clock, waitMs, signal);
        // GitHub wants to be left alone, whoever rings
        const holdMs = heldUntil - clock.monotonicMs();
        if (holdMs > 0) await clock.sleep(holdMs, signal).catch(() => {});
      }
    } finally {
      wakeup.close();
    }
  }

  /** @returns how long to sleep; ms */
  async function round(): Promise<number> {
    if (clock.monotonicMs() - forgotAt >= forgetEveryMs) {
      await forget();
      forgotAt = clock.monotonicMs();
    }
    for (const taskId of await store.dueReports(await store.now(), maxAtOnce)) {
      if (signal.aborted) return 0;
      const sent = await sendReport(parts, app, { taskId, signal });
      if (sent === null) continue;
      failures = sent.isTold ? 0 : failures + 1;
      if (sent.holdMs > 0) {
        heldUntil = clock.monotonicMs() + sent.holdMs;
        return sent.holdMs;
      }
    }
    const next = await store.nextReportAt();
    return next === null ? maxSleepMs : Math.min(maxSleepMs, Math.max(0, next - (await store.now())));
  }

  async function forget(): Promise<void> {
    const before = (await store.now()) - keptMs;
    while (!signal.aborted) {
      if ((await store.transact((tx) => tx.deleteReports(before, 200))) < 200) return;
    }
  }
}
