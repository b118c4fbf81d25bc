import { describe, expect, test } from 'vitest';
import type { Notification } from '../../../../internal/domain/notification.ts';
import type { Fixture } from './fixture.ts';

/** What people are told, on its way, and failures in a row. */
export function testNotifications(fixture: () => Fixture): void {
  const one = (id: string, more: Partial<Notification> = {}): Notification => ({
    ...{ id, dedupKey: `key ${id}`, channel: 'ops', event: 'failure', state: 'waiting', createdAt: 10 },
    ...{ dueAt: 10, tries: 0, takenUntil: 0, error: null, settledAt: null },
    message: {
      ...{ subject: 'é', text: 'a\nb' },
      words: {
        ...{ event: 'failure', summary: 's', details: 'd', workflow: 'w', session: 's', task: null },
        ...{ taskId: null, agent: null, failures: 1, message: '', url: null, at: 'x' },
      },
    },
    ...more,
  });
  const ops = { only: 'ops' } as const;

  describe('a notification', () => {
    test('rests as it was written, and is there once for a key', async () => {
      const { store } = fixture();
      const insert = (...all: Notification[]) => store.transact((tx) => tx.insertNotifications(all));
      expect(await insert(one('a'), one('b'))).toBe(2);
      expect(await insert(one('c', { dedupKey: 'key a' }), one('d'))).toBe(1);
      expect(await insert()).toBe(0);
      expect(await store.notification('a')).toEqual(one('a'));
      expect(await store.notification('c')).toBeNull();
    });

    test('is written once although many transactions write it at the same time', async () => {
      const { store } = fixture();
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          store.transact((tx) => tx.insertNotifications([one(`n${n}`, { dedupKey: 'same' })])),
        ),
      );
      expect(all.reduce((sum, count) => sum + count, 0)).toBe(1);
      expect(await store.notifications({}, { limit: 10, offset: 0 })).toHaveLength(1);
    });

    test('is taken by one server at a time, when it is due, and again when that one is gone', async () => {
      const { store } = fixture();
      const take = (now: number, until: number) =>
        store.transact((tx) => tx.takeNotification('a', { now, until }));
      const due = (now: number) => store.dueNotifications({ of: ops, now, limit: 5 });
      expect(await store.nextNotificationAt(ops)).toBeNull();
      await store.transact((tx) => tx.insertNotifications([one('a')]));
      expect([await take(9, 50), await due(9), await due(10)]).toEqual([false, [], ['a']]);
      const all = await Promise.all(Array.from({ length: 8 }, (_, n) => take(10, 50 + n)));
      expect(all.filter((isTaken) => isTaken)).toHaveLength(1);
      expect(await due(20)).toEqual([]);
      expect(await store.nextNotificationAt(ops)).toBeGreaterThanOrEqual(50);
      expect(await take(60, 90)).toBe(true);
      expect(await store.notification('a')).toMatchObject({ tries: 2, takenUntil: 90 });
    });

    test('is let go of by the one that has it, and by no other', async () => {
      const { store } = fixture();
      await store.transact((tx) => tx.insertNotifications([one('a')]));
      await store.transact((tx) => tx.takeNotification('a', { now: 10, until: 50 }));
      const settle = (takenUntil: number, end: Partial<Notification>) =>
        store.transact((tx) =>
          tx.settleNotification({ id: 'a', channel: 'ops', takenUntil }, {
            ...{ state: 'waiting', dueAt: 99, error: 'no', settledAt: null },
            ...end,
          } as Notification),
        );
      expect(await settle(49, {})).toBe(false);
      expect(await settle(50, {})).toBe(true);
      expect(await store.notification('a')).toMatchObject({ dueAt: 99, error: 'no', takenUntil: 0 });
      await store.transact((tx) => tx.takeNotification('a', { now: 99, until: 150 }));
      expect(await settle(150, { state: 'sent', dueAt: null, error: null, settledAt: 100 })).toBe(true);
      expect(await store.notification('a')).toMatchObject({ state: 'sent', dueAt: null, settledAt: 100 });
      expect(await store.nextNotificationAt(ops)).toBeNull();
    });

    test('is found by its channel, its state and its age', async () => {
      const { store } = fixture();
      const all = [
        one('a'),
        one('b', { channel: 'mail', dueAt: 5, createdAt: 5 }),
        one('c', { createdAt: 20, dueAt: 20 }),
      ];
      await store.transact((tx) =>
        tx.insertNotifications([...all, one('d', { state: 'dead', dueAt: null })]),
      );
      const due = (of: Parameters<typeof store.nextNotificationAt>[0]) =>
        store.dueNotifications({ of, now: 100, limit: 5 });
      expect([await due(ops), await due({ only: 'mail' })]).toEqual([['a', 'c'], ['b']]);
      expect([await due({ except: ['ops'] }), await due({ except: [] })]).toEqual([['b'], ['b', 'a', 'c']]);
      expect(await store.nextNotificationAt({ except: ['ops', 'mail'] })).toBeNull();
      const list = async (filter: Parameters<typeof store.notifications>[0], offset = 0) =>
        (await store.notifications(filter, { limit: 2, offset })).map(({ id }) => id);
      expect([await list({}), await list({}, 2)]).toEqual([
        ['c', 'd'],
        ['a', 'b'],
      ]);
      expect(await list({ states: ['dead'], channel: 'ops' })).toEqual(['d']);
      expect(await store.transact((tx) => tx.deleteNotifications(20, 1))).toBe(1);
      expect(await store.notification('b')).toBeNull();
      expect(await store.transact((tx) => tx.deleteNotifications(20, 10))).toBe(2);
    });

    test('is not there when its transaction did not end well', async () => {
      const { store } = fixture();
      const fault = store.transact(async (tx) => {
        await tx.insertNotifications([one('a')]);
        throw new Error('undone');
      });
      await expect(fault).rejects.toThrow('undone');
      expect(await store.notification('a')).toBeNull();
    });
  });

  describe('failures in a row', () => {
    test('are counted for each subject, end once, and begin anew', async () => {
      const { store } = fixture();
      const fail = (subject: string) => store.transact((tx) => tx.addFailure(subject, 1));
      const end = (subject: string) => store.transact((tx) => tx.endFailures(subject));
      expect([await end('w'), await fail('w'), await fail('w'), await fail('x')]).toEqual([0, 1, 2, 1]);
      expect([await end('w'), await end('w'), await fail('w'), await end('x')]).toEqual([2, 0, 1, 1]);
    });

    test('are counted one by one when they come at the same time', async () => {
      const { store } = fixture();
      const all = await Promise.all(
        Array.from({ length: 20 }, () => store.transact((tx) => tx.addFailure('w', 1))),
      );
      expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    });
  });
}
