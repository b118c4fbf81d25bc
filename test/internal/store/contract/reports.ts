import { describe, expect, test } from 'vitest';
import type { Report } from '../../../../internal/domain/report.ts';
import type { Fixture } from './fixture.ts';

/** What is told of tasks to where their events came from. */
export function testReports(fixture: () => Fixture): void {
  describe('a report', () => {
    const report: Report = {
      taskId: 'task',
      target: {
        ...{ repository: { fullName: 'a/b', id: 7 }, sha: 'c', thread: { number: 1, isPull: true } },
        ...{ context: 'x', targetUrl: null },
      },
      lane: 'a/b c x',
      wish: { state: 'pending', description: 'waits', comment: null },
      ...{ version: 1, tries: 0, dueAt: 10, takenUntil: 0, error: null, createdAt: 10, wishedAt: 10 },
    };
    const done = { state: 'success', description: 'well', comment: 'é' } as const;

    test('is taken by one server at a time, when it is due, and again when that one is gone', async () => {
      const { store } = fixture();
      const take = (now: number, until: number) =>
        store.transact((tx) => tx.takeReport('task', { now, until }));
      expect([await store.report('task'), await store.nextReportAt()]).toEqual([null, null]);
      await store.transact((tx) => tx.insertReport(report));
      expect(await store.report('task')).toEqual(report);
      expect([await take(9, 50), await store.dueReports(9, 5)]).toEqual([false, []]);
      expect(await store.dueReports(10, 5)).toEqual(['task']);
      const all = await Promise.all(Array.from({ length: 8 }, (_, n) => take(10, 50 + n)));
      expect(all.filter((isTaken) => isTaken)).toHaveLength(1);
      expect(await store.dueReports(20, 5)).toEqual([]);
      expect(await store.nextReportAt()).toBeGreaterThanOrEqual(50);
      expect(await take(60, 90)).toBe(true);
      expect(await store.report('task')).toMatchObject({ tries: 2, takenUntil: 90 });
    });

    test('tells what was wished last: a wish that comes while another is told stays due', async () => {
      const { store } = fixture();
      await store.transact((tx) => tx.insertReport(report));
      await store.transact((tx) => tx.takeReport('task', { now: 10, until: 50 }));
      const taken = { ...report, takenUntil: 50 };
      expect(await store.transact((tx) => tx.wishReport('task', done, 20))).toBe(true);
      expect(await store.dueReports(30, 5)).toEqual([]);
      await store.transact((tx) => tx.settleReport(taken, { dueAt: null, error: null }));
      expect(await store.report('task')).toMatchObject({
        version: 2,
        tries: 0,
        wish: done,
        dueAt: 20,
        takenUntil: 0,
      });
      await store.transact((tx) => tx.takeReport('task', { now: 30, until: 70 }));
      const again = { taskId: 'task', version: 2, takenUntil: 70 };
      await store.transact((tx) => tx.settleReport(taken, { dueAt: null, error: 'not mine' }));
      expect(await store.report('task')).toMatchObject({ takenUntil: 70, error: null });
      await store.transact((tx) => tx.settleReport(again, { dueAt: null, error: 'no' }));
      expect(await store.report('task')).toMatchObject({ dueAt: null, takenUntil: 0, error: 'no' });
      expect(await store.transact((tx) => tx.wishReport('nobody', done, 20))).toBe(false);
    });

    test('knows of later ones in its lane, and is forgotten when it is old', async () => {
      const { store } = fixture();
      const later = { ...report, taskId: 'later', createdAt: 11, wishedAt: 30 };
      const beside = { ...report, taskId: 'beside', lane: 'other', createdAt: 12 };
      await store.transact(async (tx) => {
        for (const one of [report, later, beside]) await tx.insertReport(one);
      });
      expect(await store.hasNewerReport(report)).toBe(true);
      expect(await store.hasNewerReport(later)).toBe(false);
      expect(await store.transact((tx) => tx.deleteReports(30, 10))).toBe(2);
      expect([await store.report('task'), await store.report('later')]).toEqual([null, later]);
    });
  });
}
