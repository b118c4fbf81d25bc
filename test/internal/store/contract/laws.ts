import { describe, expect, test } from 'vitest';
import { leaseMs } from '../../../../internal/domain/attempt.ts';
import { sampleAttempt, sampleEvent, sampleSession, sampleTask } from '../samples.ts';
import type { Fixture } from './fixture.ts';

/** The laws of the port. */
export function testLaws(fixture: () => Fixture): void {
  describe('a transaction', () => {
    test('is there whole, also after the store was opened again', async () => {
      const { store, reopen } = fixture();
      const session = sampleSession();
      const value = await store.transact(async (tx) => {
        await tx.putSession(session);
        await tx.putMeta('a', 'b');
        return 42;
      });
      expect(value).toBe(42);
      const again = await reopen();
      expect(await again.session(session.id)).toEqual(session);
      expect(await again.meta('a')).toBe('b');
    });

    test('that throws leaves nothing, and what it threw comes out', async () => {
      const { store } = fixture();
      const fault = new Error('no');
      const work = store.transact(async (tx) => {
        await tx.putMeta('a', 'b');
        expect(await tx.meta('a')).toBe('b');
        throw fault;
      });
      await expect(work).rejects.toBe(fault);
      expect(await store.meta('a')).toBeNull();
    });

    test('that throws does not touch those that ran beside it', async () => {
      const { store } = fixture();
      const all = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) =>
          store.transact(async (tx) => {
            await tx.putMeta(`m${index}`, 'there');
            if (index % 3 === 0) throw new Error(`no ${index}`);
          }),
        ),
      );
      expect(all.map((one) => one.status === 'fulfilled')).toEqual(all.map((_, index) => index % 3 !== 0));
      for (let index = 0; index < 12; index++)
        expect(await store.meta(`m${index}`)).toBe(index % 3 === 0 ? null : 'there');
    });

    test('goes on without a part of it that failed, and a part that did not is there', async () => {
      const { store } = fixture();
      const session = sampleSession();
      await store.transact(async (tx) => {
        await tx.putSession(session);
        await tx.putMeta('before', '1');
        const failed = tx.apart(async () => {
          await tx.putMeta('part', '1');
          await tx.putSession(sampleSession({ name: session.name }));
        });
        await expect(failed).rejects.toMatchObject({ code: 'KERUTA_ERR_SESSION_NAME_TAKEN' });
        expect(await tx.apart(() => tx.meta('before'))).toBe('1');
        await tx.apart(() => tx.putMeta('other part', '1'));
        await tx.putMeta('after', '1');
      });
      const kept = await Promise.all(
        ['before', 'part', 'other part', 'after'].map((name) => store.meta(name)),
      );
      expect(kept).toEqual(['1', null, '1', '1']);
    });

    test('sees what ended before it began', async () => {
      const { store } = fixture();
      await store.transact((tx) => tx.putMeta('a', '1'));
      expect(await store.transact((tx) => tx.meta('a'))).toBe('1');
    });

    test('does not interleave with another one on the same session', async () => {
      const { store } = fixture();
      const { id } = await fixture().session();
      await Promise.all(
        Array.from({ length: 20 }, () =>
          store.transact(async (tx) => {
            await tx.lockSession(id);
            const count = Number((await tx.meta('count')) ?? '0');
            await tx.putMeta('count', String(count + 1));
          }),
        ),
      );
      expect(await store.meta('count')).toBe('20');
    });

    test('may lock a session that does not exist', async () => {
      const { store } = fixture();
      await expect(store.transact((tx) => tx.lockSession('nowhere'))).resolves.toBeUndefined();
    });
  });

  describe('a notification', () => {
    test('comes after the commit, once per topic or more often', async () => {
      const { store } = fixture();
      let seen: string | null = 'never called';
      const called = new Promise<void>((resolve) => {
        store.subscribe('session:a', () => {
          void store.meta('a').then((value) => {
            seen = value;
            resolve();
          });
        });
      });
      await store.transact(async (tx) => {
        tx.notify('session:a');
        tx.notify('session:a');
        await tx.putMeta('a', 'committed');
      });
      await called;
      expect(seen).toBe('committed');
    });

    test('does not come when the transaction failed, nor for another topic, nor after the end', async () => {
      const { store } = fixture();
      const calls: string[] = [];
      store.subscribe('session:a', () => void calls.push('a'));
      store.subscribe('sessions', () => void calls.push('sessions'));
      const end = store.subscribe('session:b', () => void calls.push('b'));
      end();
      end();
      const failing = store.transact(async (tx) => {
        tx.notify('session:a');
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      await store.transact(async (tx) => tx.notify('session:b'));
      const last = new Promise<void>((resolve) => store.subscribe('session:last', resolve));
      store.notify('session:last');
      await last;
      expect(calls).toEqual([]);
    });

    test('without a transaction reaches every listener of the topic', async () => {
      const { store } = fixture();
      const both = Promise.all(
        [1, 2].map(() => new Promise<void>((resolve) => store.subscribe('sessions', resolve))),
      );
      store.notify('sessions');
      await both;
    });
  });

  describe('text', () => {
    test('with U+0000 is stored with U+FFFD in its place', async () => {
      const { store } = fixture();
      const session = await fixture().session({ name: 'a\0b', tags: ['x\0y'] });
      const stored = await store.session(session.id);
      expect(stored?.name).toBe('a\uFFFDb');
      expect(stored?.tags).toEqual(['x\0y']);
      expect(await store.sessionByName('a\0b')).toEqual(stored);
      expect(await store.sessions({ name: 'A\0' })).toEqual([stored]);
    });
  });

  describe('time', () => {
    test('is whole milliseconds that do not go back', async () => {
      const { store } = fixture();
      for (const read of [() => store.now(), () => store.leaseNow()]) {
        const [first, second] = [await read(), await read()];
        expect(Number.isInteger(first)).toBe(true);
        expect(second).toBeGreaterThanOrEqual(first);
      }
    });

    test('of leases goes on over a restart: no lease seems longer than one lease away', async () => {
      const { store, reopen } = fixture();
      const { id: taskId } = await fixture().task();
      const leaseUntil = (await store.leaseNow()) + leaseMs;
      await store.transact((tx) => tx.putAttempt(sampleAttempt({ taskId, leaseUntil })));
      const again = await reopen();
      const left = leaseUntil - (await again.leaseNow());
      expect(left).toBeLessThanOrEqual(leaseMs);
    });
  });

  test('events of one session get numbers that grow by one, under concurrency too', async () => {
    const { store } = fixture();
    const { id: sessionId } = await fixture().session();
    const seqs = await Promise.all(
      Array.from({ length: 20 }, () => store.transact((tx) => tx.insertEvent(sampleEvent({ sessionId })))),
    );
    expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await store.lastEventSeq(sessionId)).toBe(20);
    expect(await store.lastEventSeq('another')).toBe(0);
  });

  test('a second session of the same name is refused, whatever its id', async () => {
    const { store } = fixture();
    const session = await fixture().session({ name: 'taken' });
    await expect(fixture().session({ name: 'taken' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_SESSION_NAME_TAKEN',
    });
    const other = await fixture().session({ name: 'free' });
    const renaming = store.transact((tx) => tx.putSession({ ...other, name: 'taken' }));
    await expect(renaming).rejects.toMatchObject({ code: 'KERUTA_ERR_SESSION_NAME_TAKEN' });
    await expect(store.transact((tx) => tx.putSession(session))).resolves.toBeUndefined();
  });

  test('what hangs on a session or task that is gone is refused', async () => {
    const { store } = fixture();
    const orphans = [
      store.transact((tx) => tx.putTask(sampleTask({ sessionId: 'gone' }))),
      store.transact((tx) => tx.putAttempt(sampleAttempt({ taskId: 'gone' }))),
    ];
    for (const orphan of await Promise.allSettled(orphans))
      expect(orphan).toMatchObject({ status: 'rejected', reason: { code: 'KERUTA_ERR_NOT_FOUND' } });
  });

  test('a healthy store says so, a closed one does not and refuses work', async () => {
    const { store, reopen } = fixture();
    expect(await store.health()).toMatchObject({ ok: true });
    await store.close();
    expect(await store.health()).toMatchObject({ ok: false });
    await expect(store.transact(async () => {})).rejects.toMatchObject({
      code: 'KERUTA_ERR_STORE_UNAVAILABLE',
    });
    await expect(store.session('a')).rejects.toMatchObject({ code: 'KERUTA_ERR_STORE_UNAVAILABLE' });
    await reopen();
  });
}
