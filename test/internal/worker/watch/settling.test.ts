import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyChanges, diffFiles, type FileState } from '../../../../internal/worker/watch/diff.ts';
import { Settling } from '../../../../internal/worker/watch/settling.ts';
import { change, table } from './samples.ts';

const rest = { settleMs: 2000, debounceMs: 500, isBatch: false };

describe('a change', () => {
  test('of a slow writer is waited for, and is ready once', () => {
    const settling = new Settling(rest);
    const at = (size: number) => [change('a', { size })];
    for (let n = 0; n < 6; n++) expect(settling.look(at(n), n * 1500).ready).toEqual([]);
    expect(settling.look(at(5), 7500 + 1999)).toEqual({ ready: [], againMs: 1 });
    expect(settling.look(at(5), 7500 + 2000)).toMatchObject({ ready: [{ size: 5 }], againMs: null });
  });

  test('counts from when its file says that it changed', () => {
    const settling = new Settling(rest);
    expect(settling.look([change('a')], 10_000, () => 1900)).toEqual({ ready: [], againMs: 100 });
    expect(new Settling(rest).look([change('a')], 10_000, () => 86_400_000).ready).toHaveLength(1);
  });

  test('waits until the directory is quiet, at most 10 s', () => {
    const settling = new Settling(rest);
    const burst = (count: number) => Array.from({ length: count }, (_, n) => change(`f${n}`));
    for (let n = 1; n <= 50; n++) settling.look(burst(n), n * 100);
    expect(settling.look(burst(51), 5_100).ready).toEqual([]);
    expect(settling.look(burst(51), 5_600).ready).toHaveLength(36);
    const busy = new Settling(rest);
    for (let n = 1; n < 100; n++) expect(busy.look(burst(n), n * 100).ready).toEqual([]);
    expect(busy.look(burst(101), 10_100).ready.length).toBeGreaterThan(50);
  });

  test('of a batch waits for the others', () => {
    const settling = new Settling({ ...rest, isBatch: true });
    settling.look([change('a')], 0);
    expect(settling.look([change('a'), change('b')], 1900)).toEqual({ ready: [], againMs: 2000 });
    expect(settling.look([change('a'), change('b')], 3900).ready).toHaveLength(2);
  });
});

test('the events of any history lead from the first state to the last one', () => {
  const history = fc.array(fc.tuple(table, fc.nat(4000)), { maxLength: 12 });
  fc.assert(
    fc.property(table, history, fc.boolean(), (first, steps, isBatch) => {
      const settling = new Settling({ ...rest, isBatch });
      const known = new Map<string, FileState>(first);
      const told = new Map(first);
      let now = 0;
      const look = (there: Map<string, FileState>) => {
        const { ready } = settling.look(diffFiles(known, there), now);
        applyChanges(known, ready);
        applyChanges(told, ready);
      };
      for (const [there, pauseMs] of steps) {
        now += pauseMs;
        look(there);
      }
      const last = steps.at(-1)?.[0] ?? first;
      for (let n = 0; n < 12; n++) {
        now += 2000;
        look(last);
      }
      expect(diffFiles(told, last)).toEqual([]);
      expect(settling.look(diffFiles(known, last), now)).toEqual({ ready: [], againMs: null });
    }),
    { numRuns: 300 },
  );
});
