import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleDocument, sampleSession, sampleTask } from '../samples.ts';
import type { Fixture } from './fixture.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const stored = (text: string) => text.toWellFormed().replaceAll('\0', '\uFFFD');

/** What holds for whatever comes. */
export function testProperties(fixture: () => Fixture): void {
  test('of transactions that run at once, exactly those that did not throw are there, whole', async () => {
    const { store } = fixture();
    const transaction = fc.record({
      keys: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
      throwsAfter: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 12 }), async (transactions) => {
        run++;
        const name = (index: number, key: number) => `${run}.${index}.${key}`;
        const outcomes = await Promise.allSettled(
          transactions.map(({ keys, throwsAfter }, index) =>
            store.transact(async (tx) => {
              for (const [step, key] of keys.entries()) {
                if (step === throwsAfter) throw new Error('on purpose');
                await tx.putMeta(name(index, key), 'there');
              }
              return index;
            }),
          ),
        );
        for (const [index, { keys, throwsAfter }] of transactions.entries()) {
          const thrown = throwsAfter !== null && throwsAfter < keys.length;
          expect(outcomes[index]?.status).toBe(thrown ? 'rejected' : 'fulfilled');
          for (const key of keys) expect(await store.meta(name(index, key))).toBe(thrown ? null : 'there');
        }
      }),
      { numRuns: 15 },
    );
  });

  test('text comes back as it went in, but for U+0000 and halves of pairs', async () => {
    const { store } = fixture();
    await fc.assert(
      fc.asyncProperty(anyText, async (content) => {
        const document = sampleDocument({ id: 'one', title: content, content });
        await store.transact((tx) => tx.putDocument(document));
        expect((await store.document('one'))?.content).toBe(stored(content));
      }),
      { numRuns: 30 },
    );
  });

  test('JSON values come back as they went in', async () => {
    const { store } = fixture();
    const session = sampleSession();
    await store.transact((tx) => tx.putSession(session));
    const json = fc.dictionary(anyText, fc.jsonValue({ stringUnit: 'binary' }), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        // As a request brings it: what JSON can say, -0 not among it.
        const parameters = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        const task = sampleTask({ id: 'one', sessionId: session.id, parameters });
        await store.transact((tx) => tx.putTask(task));
        expect((await store.task('one'))?.parameters).toEqual(parameters);
      }),
      { numRuns: 30 },
    );
  });

  test('a session is found by any part of its name, in any case', async () => {
    const { store } = fixture();
    const name = fc.string({
      unit: fc.constantFrom('a', 'B', '%', '_', '\\', "'", 'É', '漢', ' '),
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(name, fc.nat(), fc.nat(), async (text, start, length) => {
        const session = sampleSession({ id: 'one', name: text });
        await store.transact((tx) => tx.putSession(session));
        const from = start % text.length;
        const part = text.slice(from, from + 1 + (length % text.length));
        expect(await store.sessions({ name: part.toUpperCase() })).toEqual([session]);
        expect(await store.sessions({ name: `${text}x` })).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
}
