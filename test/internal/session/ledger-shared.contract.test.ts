import { expect, onTestFinished, test } from 'vitest';
import { appendLedger } from '../../../internal/session/append-ledger.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { sealLedger } from '../../../internal/session/seal-ledger.ts';
import { verifyLedger } from '../../../internal/session/verify-ledger.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock as clock } from '../../../pkg/clock/system-clock.ts';
import { silentLog as log } from '../../../pkg/log/log.ts';
import { systemRandom as random } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { never } from './claims-world.ts';

/** Two servers on one database. */
async function servers(): Promise<readonly [SessionParts, SessionParts]> {
  const { url, schema, remove } = await newSchema();
  const open = async (): Promise<SessionParts> => {
    const store = await openPostgresStore({ url, schema, clock, log });
    return { store, blob: null as never, clock, random, log, ledgerBatch: 4 };
  };
  const both = [await open(), await open()] as const;
  onTestFinished(async () => {
    for (const { store } of both) await store.close();
    await remove();
  });
  return both;
}

const append = (parts: SessionParts, n: number) =>
  parts.store.transact((tx) =>
    appendLedger(tx, parts, { at: clock.now(), kind: 'cron_execution', actor: `server ${n}` }),
  );

test('servers that write and seal at once make one chain of everything', { timeout: 60_000 }, async () => {
  const both = await servers();
  const rounds = both.map(async (parts, n) => {
    for (let round = 0; round < 5; round++) {
      await Promise.all([append(parts, n), append(parts, n), append(parts, n)]);
      await sealLedger(parts, never);
    }
  });
  await Promise.all(rounds);
  const [one] = both;
  await sealLedger(one, never);
  expect(await verifyLedger(one)).toMatchObject({ looked: 30, done: true, fault: null, unsealed: 0 });
});

test('who writes waits neither for another who writes, nor for who seals', { timeout: 60_000 }, async () => {
  const [one, two] = await servers();
  await append(one, 1);
  await one.store.transact(async (tx) => {
    expect(await tx.takeLedger()).toBe(true);
    await appendLedger(tx, one, { at: clock.now(), kind: 'cron_execution', actor: 'one' });
    // the transaction of the other server begins and ends while this one is open
    await append(two, 2);
    await two.store.transact(async (other) => expect(await other.takeLedger()).toBe(false));
  });
  await sealLedger(two, never);
  expect(await verifyLedger(one)).toMatchObject({ looked: 3, fault: null, unsealed: 0 });
});
