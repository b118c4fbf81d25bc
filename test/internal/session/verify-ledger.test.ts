import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { appendLedger } from '../../../internal/session/append-ledger.ts';
import { dropOldLedger } from '../../../internal/session/drop-ledger.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { sealLedger } from '../../../internal/session/seal-ledger.ts';
import { verifyLedger } from '../../../internal/session/verify-ledger.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { never } from './claims-world.ts';

const day = 86_400_000;
const clock = new TestClock();
let file: string;
let parts: SessionParts;

async function open(): Promise<void> {
  const store = await openSqliteStore({ file, clock, log: silentLog });
  const more = { ledgerBatch: 3, ledgerKeepMs: 10 * day };
  parts = { store, blob: null as never, clock, random: systemRandom, log: silentLog, ...more };
}

/** As somebody does who owns the file. */
async function tamper(...statements: readonly string[]): Promise<void> {
  await parts.store.close();
  const raw = new DatabaseSync(file);
  for (const name of ['ledger_is_not_changed', 'ledger_is_not_deleted'])
    raw.exec(`DROP TRIGGER IF EXISTS ${name}`);
  for (const statement of statements) raw.exec(statement);
  raw.close();
  await open();
}

async function append(count: number, more: object = {}): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1000);
    const draft = { at: clock.now(), kind: 'cron_execution', actor: 'system', ...more };
    await parts.store.transact((tx) => appendLedger(tx, parts, draft));
  }
}

const seal = () => sealLedger(parts, never);
const idOf = async (seq: number) => (await parts.store.ledgerRows(seq - 1, 1))[0]?.id ?? '';

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-'));
  file = join(directory, 'a.db');
  await open();
  onTestFinished(async () => {
    await parts.store.close();
    await rm(directory, { recursive: true });
  });
});

describe('the ledger', () => {
  test('is sealed in batches, by one of those who try at once, and is good then', async () => {
    await append(10);
    const sealed = await Promise.all([seal(), seal(), seal()]);
    expect(sealed.reduce((sum, one) => sum + one)).toBe(10);
    await append(2);
    expect(await verifyLedger(parts)).toMatchObject({
      ...{ looked: 10, done: true, fault: null, unsealed: 2, base: { seq: 0 }, place: { seq: 10 } },
    });
    expect(await seal()).toBe(2);
    expect(await seal()).toBe(0);
    const { place } = await verifyLedger(parts);
    await append(1);
    await seal();
    expect(await verifyLedger(parts, place)).toMatchObject({ looked: 1, done: true, fault: null });
  });

  test('that is empty is good', async () => {
    expect(await verifyLedger(parts)).toMatchObject({ looked: 0, done: true, fault: null, unsealed: 0 });
  });

  const cases: readonly (readonly [
    string,
    readonly string[],
    { fault: string; seq: number; isGone?: true },
  ])[] = [
    [
      'a changed body',
      [`UPDATE ledger SET body = replace(body, 'system', 'nobody') WHERE seq = 5`],
      { fault: 'changed', seq: 5 },
    ],
    [
      'a changed column',
      ["UPDATE ledger SET status = 'SUCCESS' WHERE seq = 4"],
      { fault: 'changed', seq: 4 },
    ],
    ['a removed row', ['DELETE FROM ledger WHERE seq = 2'], { fault: 'removed', seq: 2, isGone: true }],
    [
      'the newest row removed',
      ['DELETE FROM ledger WHERE seq = 8'],
      { fault: 'removed', seq: 8, isGone: true },
    ],
    ['all rows removed', ['DELETE FROM ledger'], { fault: 'removed', seq: 1, isGone: true }],
    [
      'two rows in each other’s place',
      ['UPDATE ledger SET seq = CASE seq WHEN 3 THEN 6 ELSE 3 END WHERE seq IN (3, 6)'],
      { fault: 'changed', seq: 3 },
    ],
    [
      'a row put between',
      [
        'UPDATE ledger SET seq = seq + 1 WHERE seq >= 7',
        "INSERT INTO ledger (id, at, kind, body, seq, hash) VALUES ('x', 1, 'cron_execution', '{}', 7, 'h')",
      ],
      { fault: 'changed', seq: 7 },
    ],
    [
      'a row put behind the newest',
      [
        "INSERT INTO ledger SELECT 'x', at, kind, null, null, null, null, null, null, null, body, 9, hash FROM ledger WHERE seq = 8",
      ],
      { fault: 'changed', seq: 9 },
    ],
    [
      'rows removed as if they were too old',
      [
        "UPDATE ledger_ends SET seq = 3, hash = (SELECT hash FROM ledger WHERE seq = 3) WHERE name = 'base'",
        'DELETE FROM ledger WHERE seq <= 3',
      ],
      { fault: 'removed', seq: 3, isGone: true },
    ],
  ];
  test.each(cases)(
    'with %s is not, and the row is named',
    async (_what, statements, { isGone, ...found }) => {
      await append(8);
      await seal();
      await tamper(...statements);
      const { fault, done } = await verifyLedger(parts);
      expect(fault).toMatchObject({ ...found, id: isGone ? null : await idOf(found.seq) });
      expect(fault?.message).toContain(String(found.seq));
      expect(done).toBe(true);
    },
  );

  test('loses what is too old, keeps an account of it, and stays good', async () => {
    await append(4, { status: 'SUCCESS', costMicros: 5 });
    await append(1, { status: 'FAILED' });
    await seal();
    const last = (await parts.store.ledgerRows(4, 1))[0];
    clock.advance(9 * day);
    await append(2);
    await seal();
    clock.advance(2 * day);
    expect(await dropOldLedger(parts, never)).toBe(5);
    expect(await dropOldLedger(parts, never)).toBe(0);
    const [summary] = await parts.store.ledger({ kind: 'ledger.dropped' }, { limit: 1 });
    expect(summary?.details).toMatchObject({
      ...{
        rows: 5,
        fromSeq: 1,
        toSeq: 5,
        hash: last?.hash,
        statuses: { SUCCESS: 4, FAILED: 1 },
        costMicros: 20,
      },
    });
    expect(await verifyLedger(parts)).toMatchObject({
      looked: 2,
      fault: null,
      unsealed: 1,
      base: { seq: 5 },
    });
    await seal();
    expect(await verifyLedger(parts)).toMatchObject({ looked: 3, fault: null, unsealed: 0 });
    // the account itself grows old, and another one takes its place
    clock.advance(11 * day);
    expect(await dropOldLedger(parts, never)).toBe(3);
    await seal();
    expect(await verifyLedger(parts)).toMatchObject({ looked: 1, fault: null, base: { seq: 8 } });
  });

  test('whose account of what was dropped was changed is not good', async () => {
    await append(5);
    await seal();
    clock.advance(11 * day);
    await dropOldLedger(parts, never);
    await seal();
    await tamper(`UPDATE ledger SET body = replace(body, '"toSeq":5', '"toSeq":4')`);
    expect((await verifyLedger(parts)).fault).toMatchObject({ seq: 5, fault: 'removed' });
    await tamper(
      `UPDATE ledger SET body = replace(replace(body, '"toSeq":4', '"toSeq":5'), '"rows":5', '"rows":1')`,
    );
    expect((await verifyLedger(parts)).fault).toMatchObject({ seq: 6, fault: 'changed' });
  });

  test('does not lose old rows that are not as they were', async () => {
    await append(5);
    await seal();
    await tamper(`UPDATE ledger SET body = replace(body, 'system', 'nobody') WHERE seq = 3`);
    clock.advance(11 * day);
    expect(await dropOldLedger(parts, never)).toBe(2);
    expect((await verifyLedger(parts)).fault).toMatchObject({ seq: 3, fault: 'changed' });
  });
});
