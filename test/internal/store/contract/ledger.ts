import { expect, test } from 'vitest';
import { blankEntry, type LedgerEntry } from '../../../../internal/domain/ledger.ts';
import { canonicalJson, chainStart, sealRows } from '../../../../internal/domain/ledger-chain.ts';
import type { Store } from '../../../../internal/store/store.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import type { Fixture } from './fixture.ts';

const entry = (at: number, some: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...blankEntry({ id: systemRandom.uuid7(at), at, kind: 'cron_execution', actor: 'system' }),
  ...some,
});

const append = (store: Store, ...entries: LedgerEntry[]) => store.transact((tx) => tx.insertLedger(entries));

/** Seals everything that is not. */
const seal = (store: Store) =>
  store.transact(async (tx) => {
    expect(await tx.takeLedger()).toBe(true);
    const { head } = await tx.ledgerEnds();
    await tx.sealLedger(sealRows(head, await tx.unsealedLedger(100)));
  });

/** The ledger: it only grows. */
export function testLedger(fixture: () => Fixture): void {
  test('entries of the ledger come back as they went in, the newest first, page by page', async () => {
    const { store } = fixture();
    const entries = [1000, 2000, 3000, 4000, 5000].map((at) =>
      entry(at, {
        details: { z: [1, null, 'é\0'], a: { y: 0.1, x: true } },
        checks: [{ name: 'c', passed: true }],
      }),
    );
    await append(store, ...entries);
    const newest = entries.toReversed();
    expect(await store.ledger({}, { limit: 100 })).toEqual(newest);
    const [first, second] = await store.ledger({}, { limit: 2 });
    expect([first, second]).toEqual(newest.slice(0, 2));
    const next = await store.ledger({}, { limit: 2, before: second?.id ?? '' });
    expect(next).toEqual(newest.slice(2, 4));
    expect(await store.ledgerEntry(entries[0]?.id ?? '')).toEqual(entries[0]);
    expect(await store.ledgerEntry('x')).toBeNull();
  });

  test('entries of the ledger are found by what they are about, and by time', async () => {
    const { store } = fixture();
    const a = entry(1000, {
      workflow: 'w',
      triggerId: 't',
      trigger: 'cron',
      executionId: 'e',
      status: 'PENDING',
      taskId: 'k',
    });
    const b = entry(2000, { ...a, id: systemRandom.uuid7(2000), at: 2000, status: 'SUCCESS', costMicros: 7 });
    const c = entry(3000, { workflow: 'v', kind: 'trigger.paused', costMicros: 2 });
    await append(store, a, b, c);
    const ids = async (filter: Parameters<Store['ledger']>[0]) =>
      (await store.ledger(filter, { limit: 9 })).map(({ id }) => id);
    expect(await ids({ workflow: 'w' })).toEqual([b.id, a.id]);
    for (const trigger of ['t', 'cron']) expect(await ids({ trigger })).toEqual([b.id, a.id]);
    expect(await ids({ triggerId: 't', statuses: ['PENDING', 'FAILED'] })).toEqual([a.id]);
    expect(await ids({ executionId: 'e', taskId: 'k' })).toEqual([b.id, a.id]);
    expect(await ids({ kind: 'trigger.paused' })).toEqual([c.id]);
    expect(await ids({ from: 1001, to: 3000 })).toEqual([b.id]);
    expect(await ids({ from: 2000 })).toEqual([c.id, b.id]);
    expect(await ids({ from: -1, to: 1e15 })).toEqual([c.id, b.id, a.id]);
    expect(await store.ledgerCost({ from: 2000 })).toBe(9);
    expect(await store.ledgerCost({ workflow: 'x' })).toBe(0);
    expect(await store.newestLedgerId('w')).toBe(b.id);
    expect(await store.newestLedgerId('x')).toBeNull();
  });

  test('rows of the ledger are sealed in their order behind each other, once', async () => {
    const { store, reopen } = fixture();
    expect(await store.ledgerEnds()).toEqual({ head: chainStart, base: chainStart });
    const entries = [1000, 2000, 3000].map((at) => entry(at));
    await append(store, ...entries);
    expect(await store.countUnsealedLedger()).toBe(3);
    expect((await store.unsealedLedger(2)).map(({ id }) => id)).toEqual([entries[0]?.id, entries[1]?.id]);
    await seal(store);
    await append(store, entry(500));
    await seal(store);
    const again = await reopen();
    const rows = await again.ledgerRows(0, 9);
    expect(rows.map(({ seq, at, strayed }) => [seq, at, strayed])).toEqual([
      [1, 1000, []],
      [2, 2000, []],
      [3, 3000, []],
      [4, 500, []],
    ]);
    const sealed = sealRows(chainStart, rows);
    expect(rows.map(({ hash }) => hash)).toEqual(sealed.map(({ hash }) => hash));
    const { id } = entries[0] ?? {};
    const body = { id, at: 1000, kind: 'cron_execution', actor: 'system', checks: [], details: {} };
    expect(rows[0]?.body).toBe(canonicalJson(body));
    expect((await again.ledgerEnds()).head).toEqual({ seq: 4, hash: rows[3]?.hash });
    expect((await again.ledgerRows(2, 1)).map(({ seq }) => seq)).toEqual([3]);
    expect(await again.countUnsealedLedger()).toBe(0);
  });

  test('the database refuses to change or remove rows of the ledger but for the oldest', async () => {
    const { store, tamper } = fixture();
    await append(store, entry(1000), entry(2000), entry(3000));
    await expect(tamper("UPDATE ledger SET body = 'x'")).rejects.toThrow('append-only');
    await expect(tamper('DELETE FROM ledger')).rejects.toThrow('append-only');
    await seal(fixture().store);
    await expect(tamper("UPDATE ledger SET hash = 'x' WHERE seq = 1")).rejects.toThrow('append-only');
    await expect(tamper('UPDATE ledger SET seq = NULL, hash = NULL')).rejects.toThrow('append-only');
    await expect(tamper('DELETE FROM ledger WHERE seq = 1')).rejects.toThrow('append-only');
    const [first, second] = await fixture().store.ledgerRows(0, 2);
    if (first === undefined || second === undefined) throw new Error('two rows are there');
    const upTo = { seq: second.seq, hash: second.hash };
    await fixture().store.transact((tx) => tx.dropLedger(upTo));
    expect((await fixture().store.ledgerRows(0, 9)).map(({ seq }) => seq)).toEqual([3]);
    expect((await fixture().store.ledgerEnds()).base).toEqual(upTo);
    await expect(tamper('DELETE FROM ledger')).rejects.toThrow('append-only');
  });

  test('a row of the ledger whose columns say something else than its body names them', async () => {
    const { store, tamper } = fixture();
    await append(store, entry(1000, { status: 'FAILED', workflow: 'w' }));
    await seal(store);
    // whoever owns the database can take its guards away
    await dropGuard(tamper, 'ledger_is_not_changed');
    await tamper("UPDATE ledger SET status = 'SUCCESS', workflow_name = NULL");
    expect(await fixture().store.ledgerRows(0, 9)).toMatchObject([{ strayed: ['workflow_name', 'status'] }]);
    await tamper("UPDATE ledger SET body = 'no json'");
    expect(await fixture().store.ledgerRows(0, 9)).toMatchObject([{ strayed: ['body'] }]);
  });
}

/** Takes a guard away as the two databases want it. */
async function dropGuard(tamper: Fixture['tamper'], name: string): Promise<void> {
  await tamper(`DROP TRIGGER ${name}`).catch(() => tamper(`DROP TRIGGER ${name} ON ledger`));
}
