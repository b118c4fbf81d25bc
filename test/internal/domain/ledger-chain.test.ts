import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChainFault,
  canonicalJson,
  chainStart,
  type SealedRow,
  sealRows,
  verifyAfter,
} from '../../../internal/domain/ledger-chain.ts';

const bodies = fc.array(fc.string({ maxLength: 20 }), { minLength: 2, maxLength: 12 });
const chainOf = (texts: readonly string[]) =>
  sealRows(
    chainStart,
    texts.map((body, n) => ({ id: `id-${n + 1}`, body })),
  );

/** What is found first, with the true end of the chain known. */
function firstFault(rows: readonly SealedRow[], head = rows.at(-1) ?? chainStart): ChainFault | null {
  const verifier = verifyAfter(chainStart);
  for (const row of rows) {
    const fault = verifier.look(row);
    if (fault !== null) return fault;
  }
  return verifier.end(head);
}

/** A chain, its end, and a row of it. */
const chainAndRow = bodies.chain((texts) =>
  fc.record({ rows: fc.constant(chainOf(texts)), at: fc.integer({ min: 0, max: texts.length - 1 }) }),
);

describe('a chain', () => {
  test('that nobody touched is good, in one piece or sealed in several', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (texts, cut) => {
        const rows = texts.map((body, n) => ({ id: `id-${n + 1}`, body }));
        const at = cut % rows.length;
        const first = sealRows(chainStart, rows.slice(0, at));
        const all = [...first, ...sealRows(first.at(-1) ?? chainStart, rows.slice(at))];
        expect(all).toEqual(chainOf(texts));
        expect(firstFault(all)).toBeNull();
      }),
    );
  });

  test('with a changed row names that row', () => {
    fc.assert(
      fc.property(chainAndRow, fc.constantFrom('body', 'id', 'hash'), ({ rows, at }, field) => {
        const row = rows[at];
        const changed = rows.map((one) => (one === row ? { ...one, [field]: `${one[field]}x` } : one));
        const fault = firstFault(changed, rows.at(-1));
        expect(fault).toMatchObject({ seq: at + 1, fault: 'changed' });
        expect(fault?.message).toContain(`row ${at + 1}`);
      }),
    );
  });

  test('without one of its rows names the place where it stood, also at the end', () => {
    fc.assert(
      fc.property(chainAndRow, ({ rows, at }) => {
        const fault = firstFault(
          rows.filter((_, n) => n !== at),
          rows.at(-1),
        );
        expect(fault).toMatchObject({ seq: at + 1, id: null, fault: 'removed' });
      }),
    );
  });

  test('whose rows were numbered anew after one was removed names the first of those', () => {
    fc.assert(
      fc.property(chainAndRow, ({ rows, at }) => {
        fc.pre(at < rows.length - 1);
        const closed = rows.filter((_, n) => n !== at).map((row, n) => ({ ...row, seq: n + 1 }));
        expect(firstFault(closed, rows.at(-1))).toMatchObject({ seq: at + 1, fault: 'changed' });
      }),
    );
  });

  test('with two rows in each other’s place names the first of the two', () => {
    fc.assert(
      fc.property(chainAndRow, fc.nat(), ({ rows, at }, other) => {
        const to = other % rows.length;
        fc.pre(at !== to);
        const swapped = rows.map((row, n) => {
          const from = n === at ? rows[to] : n === to ? rows[at] : row;
          return { ...(from ?? row), seq: row.seq };
        });
        expect(firstFault(swapped, rows.at(-1))).toMatchObject({
          seq: Math.min(at, to) + 1,
          fault: 'changed',
        });
      }),
    );
  });

  test('with a row put between names that row', () => {
    fc.assert(
      fc.property(chainAndRow, fc.string(), ({ rows, at }, body) => {
        const strange = { seq: at + 1, id: 'strange', body, hash: 'f'.repeat(64) };
        const moved = rows.map((row) => (row.seq > at ? { ...row, seq: row.seq + 1 } : row));
        const among = moved.toSpliced(at, 0, strange);
        expect(firstFault(among, rows.at(-1))).toMatchObject({
          seq: at + 1,
          id: 'strange',
          fault: 'changed',
        });
        const twice = rows.toSpliced(at + 1, 0, { ...strange });
        expect(firstFault(twice, rows.at(-1))).toMatchObject({
          seq: at + 1,
          id: 'strange',
          fault: 'inserted',
        });
      }),
    );
  });

  test('that goes on behind its known end is not good, nor one that was made anew', () => {
    fc.assert(
      fc.property(bodies, (texts) => {
        const rows = chainOf(texts);
        expect(firstFault(rows, rows.at(-2))).toMatchObject({ fault: 'inserted', seq: rows.length });
        const anew = chainOf(texts.map((text) => `${text}.`));
        expect(firstFault(anew, rows.at(-1))).toMatchObject({ fault: 'changed', seq: rows.length });
      }),
    );
  });
});

test('equal values have one canonical text, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse());
      expect(canonicalJson(turned)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
