/** How fast the ledger takes entries, on the store itself: what a firing adds, and what the sealing behind it costs. */
import { join } from 'node:path';
import type { SessionParts } from '../internal/session/parts.ts';
import type { Bench, Row } from './harness.ts';

const rounds = 100;
/** Entries of one transaction: as many as firings that come together write. */
const together = 100;

/**
 * Entries per second: written in transactions of 100 and each durable, and then sealed and verified. Not through HTTP: that is
 * what `webhook` measures.
 */
export async function benchLedger({ directory }: Bench): Promise<Row[]> {
  const { openSqliteStore } = await import('../internal/store/sqlite-store.ts');
  const { appendLedger } = await import('../internal/session/append-ledger.ts');
  const { sealLedger } = await import('../internal/session/seal-ledger.ts');
  const { verifyLedger } = await import('../internal/session/verify-ledger.ts');
  const { systemClock: clock } = await import('../pkg/clock/system-clock.ts');
  const { systemRandom: random } = await import('../pkg/random/random.ts');
  const { silentLog: log } = await import('../pkg/log/log.ts');
  const store = await openSqliteStore({ file: join(directory, 'ledger.db'), clock, log });
  const parts: SessionParts = { store, clock, random, log, blob: null as never };
  const draft = (n: number) => ({
    ...{
      at: clock.now(),
      kind: 'webhook_execution',
      actor: 'system',
      executionId: random.uuid7(clock.now()),
    },
    ...{
      workflow: `workflow-${n % 20}`,
      trigger: 'webhook',
      status: 'PENDING' as const,
      delayMs: 3,
      version: 1,
    },
    details: { key: `delivery:${n}`, kind: 'push' },
  });
  const append = await perSecond(async () => {
    for (let round = 0; round < rounds; round++) {
      const drafts = Array.from({ length: together }, (_, n) => draft(round * together + n));
      await store.transact((tx) => appendLedger(tx, parts, drafts));
    }
  });
  const alone = await perSecond(async () => {
    const each = Array.from({ length: rounds * together }, (_, n) =>
      store.transact((tx) => appendLedger(tx, parts, draft(n))),
    );
    await Promise.all(each);
  });
  const signal = new AbortController().signal;
  const seal = await perSecond(() => sealLedger(parts, signal), 2);
  const verify = await perSecond(async () => {
    if ((await verifyLedger(parts)).fault !== null) throw new Error('the ledger is not good');
  }, 2);
  await store.close();
  const row = (what: string, speed: number, isJudged = true): Row => ({
    what: `ledger on SQLite: ${what}`,
    measured: `${Math.round(speed)} a second`,
    allowed: isJudged ? '≥ 5,000 a second' : 'told only: most of it is the transactions',
    met: isJudged ? speed >= 5_000 : null,
  });
  return [
    row('entries in transactions of 100', append),
    row('entries in transactions of their own, 10,000 at once', alone, false),
    row('entries sealed, in batches of 100', seal),
    row('entries verified', verify),
  ];
}

async function perSecond(work: () => Promise<unknown>, times = 1): Promise<number> {
  const began = performance.now();
  await work();
  return (times * rounds * together) / ((performance.now() - began) / 1000);
}
