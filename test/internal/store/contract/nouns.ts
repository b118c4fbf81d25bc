import { expect, test } from 'vitest';
import { sampleAgent, sampleAudit, sampleDocument, sampleRepository, sampleSessionLog } from '../samples.ts';
import type { Fixture } from './fixture.ts';

/** The nouns that stand by themselves. */
export function testNouns(fixture: () => Fixture): void {
  test('agents are listed last seen first, each once', async () => {
    const { store } = fixture();
    const a = sampleAgent({ lastSeenAt: 1 });
    const b = sampleAgent({ lastSeenAt: 2, taskId: 't' });
    await store.transact(async (tx) => {
      for (const agent of [a, b]) await tx.putAgent(agent);
    });
    expect(await store.agents()).toEqual([b, a]);
    await store.transact((tx) => tx.putAgent({ ...a, lastSeenAt: 3 }));
    expect(await store.agents()).toEqual([{ ...a, lastSeenAt: 3 }, b]);
  });

  test('session logs are listed newest first, of one session or all, filtered, counted and deleted', async () => {
    const { store, session } = fixture();
    const { id: sessionId } = await session();
    const other = await session();
    const a = sampleSessionLog({ sessionId, timestamp: 1, level: 'TRACE', details: 'd', userId: 'u' });
    const b = sampleSessionLog({ sessionId, timestamp: 2, action: 'UPDATE' });
    const c = sampleSessionLog({ sessionId: other.id, timestamp: 3 });
    await store.transact(async (tx) => {
      for (const log of [a, b, c]) await tx.insertSessionLog(log);
    });
    const all = { limit: 10, offset: 0 };
    expect(await store.sessionLogs(null, {}, all)).toEqual([c, b, a]);
    expect(await store.sessionLogs(null, {}, { limit: 1, offset: 1 })).toEqual([b]);
    const cases = [
      [{}, [b, a]],
      [{ level: 'TRACE' }, [a]],
      [{ action: 'UPDATE' }, [b]],
      [{ source: 'none' }, []],
      [{ from: 1, to: 1 }, [a]],
    ] as const;
    for (const [filter, expected] of cases) {
      expect(await store.sessionLogs(sessionId, filter, all)).toEqual(expected);
      expect(await store.countSessionLogs(sessionId, filter)).toBe(expected.length);
    }
    await store.transact((tx) => tx.deleteSessionLogs(sessionId));
    expect(await store.sessionLogs(null, {}, all)).toEqual([c]);
    expect(await store.sessionLog(c.id)).toEqual(c);
  });

  test('the audit is read newest first, by page', async () => {
    const { store } = fixture();
    const entries = [1, 2, 3].map((at) =>
      sampleAudit({ at, sessionId: 's', taskId: 't', address: at === 1 ? null : `2001:db8::${at}` }),
    );
    await store.transact(async (tx) => {
      for (const entry of entries) await tx.insertAudit(entry);
    });
    expect(await store.audit({ limit: 10, offset: 0 })).toEqual(entries.toReversed());
    expect(await store.audit({ limit: 1, offset: 2 })).toEqual([entries[0]]);
  });

  test('the database refuses to change or remove rows of the audit', async () => {
    const { store, tamper } = fixture();
    const entry = sampleAudit({});
    await store.transact((tx) => tx.insertAudit(entry));
    await expect(tamper("UPDATE audit SET actor = 'x'")).rejects.toThrow('append-only');
    await expect(tamper('DELETE FROM audit')).rejects.toThrow('append-only');
    expect(await fixture().store.audit({ limit: 10, offset: 0 })).toEqual([entry]);
  });

  test('documents are found by title and tag, newest first, replaced and deleted', async () => {
    const { store } = fixture();
    const a = sampleDocument({ title: 'Ärger', createdAt: 1, tags: ['x'] });
    const b = sampleDocument({ title: 'Plan 5%', createdAt: 2, tags: ['X', 'y'] });
    await store.transact(async (tx) => {
      await tx.putDocument({ ...a, title: 'old' });
      await tx.putDocument(a);
      await tx.putDocument(b);
    });
    expect(await store.documents({})).toEqual([b, a]);
    expect(await store.documents({ title: 'är' })).toEqual([a]);
    expect(await store.documents({ title: 'OLD' })).toEqual([]);
    expect(await store.documents({ title: '5%' })).toEqual([b]);
    expect(await store.documents({ tag: 'x' })).toEqual([a]);
    await store.transact((tx) => tx.deleteDocument(a.id));
    expect(await store.document(a.id)).toBeNull();
    expect(await store.document(b.id)).toEqual(b);
  });

  test('repositories are found by URL and search, listed by name, replaced and deleted', async () => {
    const { store } = fixture();
    const a = sampleRepository({ name: 'beta', url: 'https://Example.org/one' });
    const b = sampleRepository({ name: 'Alpha', url: 'https://example.com/two', isActive: false });
    const c = sampleRepository({ name: 'gamma', url: 'u', authConfig: { token: 't' }, tags: ['z'] });
    await store.transact(async (tx) => {
      for (const repository of [a, b, c]) await tx.putRepository(repository);
    });
    expect(await store.repositories({})).toEqual([b, a, c]);
    expect(await store.repositories({ search: 'example.ORG' })).toEqual([a]);
    expect(await store.repositories({ search: 'ALPH' })).toEqual([b]);
    expect(await store.repositories({ activeOnly: true })).toEqual([a, c]);
    expect(await store.repositoryByUrl('u')).toEqual(c);
    expect(await store.repositoryByUrl('U')).toBeNull();
    await store.transact((tx) => tx.putRepository({ ...c, name: 'aaa' }));
    expect((await store.repositories({})).map((one) => one.name)).toEqual(['aaa', 'Alpha', 'beta']);
    await store.transact((tx) => tx.deleteRepository(c.id));
    expect(await store.repository(c.id)).toBeNull();
  });

  test('a value under a name is replaced by the next', async () => {
    const { store } = fixture();
    expect(await store.meta('a')).toBeNull();
    await store.transact((tx) => tx.putMeta('a', '1'));
    await store.transact((tx) => tx.putMeta('a', '2'));
    expect(await store.meta('a')).toBe('2');
  });
}
