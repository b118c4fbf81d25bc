import { dropOldLedger } from './drop-ledger.ts';
import type { SessionParts } from './parts.ts';
import { sealLedger } from './seal-ledger.ts';

/** How long an entry waits to be sealed, at most, while the store takes writes; ms. */
const sealEveryMs = 1_000;
/** How often entries whose time is over are looked for; ms. */
const dropEveryMs = 3_600_000;
/** Rounds that fail one after another until it counts. */
const maxFailures = 10;

/** A loop that looks after the ledger. */
export interface LedgerKeeping {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** What does not work, though the server does its work. */
  doubts(): readonly string[];
}

/** Seals the ledger and drops what is too old, until the signal is aborted. Any number of servers may do this on one store. */
export function startLedger(parts: SessionParts, signal: AbortSignal): LedgerKeeping {
  const { clock, log } = parts;
  let failures = 0;
  let droppedAt = Number.NEGATIVE_INFINITY;
  return {
    ended: goOn(),
    doubts: () => (failures < maxFailures ? [] : ['ledger: its entries cannot be sealed']),
  };

  async function goOn(): Promise<void> {
    while (!signal.aborted) {
      await round();
      await clock.sleep(sealEveryMs, signal).catch(() => {});
    }
  }

  async function round(): Promise<void> {
    try {
      await sealLedger(parts, signal);
      if (clock.monotonicMs() - droppedAt >= dropEveryMs) {
        await dropOldLedger(parts, signal);
        droppedAt = clock.monotonicMs();
      }
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      log.warn('the ledger could not be sealed; it is tried again', { error });
    }
  }
}
