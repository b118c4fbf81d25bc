import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { diffFiles } from '../../../../internal/worker/watch/diff.ts';
import { Journal } from '../../../../internal/worker/watch/journal.ts';
import { change, state, table } from './samples.ts';

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'one.journal');
}

const whole = ({ files, unsent, runs }: Journal) => ({ files: new Map(files), unsent, runs });

test('what was kept is there for the next one, in its order, without what was sent', () => {
  const path = place();
  const first = new Journal(path, '/in');
  expect(first.isKnown).toBe(false);
  first.keep({ at: 5, files: new Map([['/in/old', state('9')]]) });
  first.keep({ at: 6, events: ['a', 'b', 'c'].map((name) => ({ changes: [change(`/in/${name}`)] })) });
  first.keep({ at: 7, runs: [{ taskId: 't', from: 1, to: null }], files: new Map([['/in/old', null]]) });
  first.sent(1);
  const next = new Journal(path, '/in');
  expect(next).toMatchObject({ isKnown: true, at: 7 });
  expect(whole(next)).toEqual(whole(first));
  expect(next.unsent.map(({ changes }) => changes[0]?.path)).toEqual(['/in/b', '/in/c']);
  expect([...next.files.keys()]).toEqual(['/in/a', '/in/b', '/in/c']);
});

test('of one about something else only what was not sent counts', () => {
  const path = place();
  new Journal(path, '/in').keep({ at: 6, events: [{ changes: [change('/in/a')] }] });
  const other = new Journal(path, '/out');
  expect(other.isKnown).toBe(false);
  expect(other.files.size).toBe(0);
  expect(other.unsent).toHaveLength(1);
});

test('one that was broken off anywhere, or damaged, counts up to there, and is gone on with', () => {
  const path = place();
  const first = new Journal(path, '/in');
  for (const name of ['a', 'b', 'c']) first.keep({ at: 1, events: [{ changes: [change(name)] }] });
  const text = readFileSync(path, 'utf8');
  const last = text.lastIndexOf('\n', text.length - 2) + 1;
  for (let length = last; length < text.length - 1; length += 7) {
    writeFileSync(path, text.slice(0, length));
    expect(new Journal(path, '/in').unsent).toHaveLength(2);
    writeFileSync(path, `${text.slice(0, length)}#${text.slice(length + 1)}`);
    expect(new Journal(path, '/in').unsent).toHaveLength(2);
  }
  const again = new Journal(path, '/in');
  again.keep({ at: 2, events: [{ changes: [change('d')] }] });
  expect(new Journal(path, '/in').unsent.map(({ changes }) => changes[0]?.path)).toEqual(['a', 'b', 'd']);
});

test('it does not grow with what happened, only with what is', () => {
  const path = place();
  const journal = new Journal(path, '/in');
  const long = 'x'.repeat(4000);
  for (let n = 0; n < 3000; n++) {
    journal.keep({ at: n, events: [{ changes: [change(`/in/${long}`, { mtimeNs: String(n) })] }] });
    journal.sent(1);
  }
  expect(statSync(path).size).toBeLessThan(5_000_000);
  expect(new Journal(path, '/in').files.get(`/in/${long}`)?.mtimeNs).toBe('2999');
}, 60_000);

test('whatever came one after another, it is read as it was', () => {
  const path = place();
  fc.assert(
    fc.property(fc.array(fc.tuple(table, fc.boolean(), fc.nat(3)), { maxLength: 6 }), (steps) => {
      rmSync(path, { force: true });
      const journal = new Journal(path, '/in');
      for (const [there, isEvent, sent] of steps) {
        const changes = diffFiles(journal.files, there);
        const files = new Map(
          changes.flatMap(({ kind, path: at, renamedFrom, ...of }) => [
            ...(renamedFrom === undefined || there.has(renamedFrom) ? [] : [[renamedFrom, null] as const]),
            [at, kind === 'delete' ? null : { ...of }] as const,
          ]),
        );
        if (isEvent) journal.keep({ at: 1, events: changes.map((one) => ({ changes: [one] })) });
        else journal.keep({ at: 1, files });
        journal.sent(Math.min(sent, journal.unsent.length));
        expect(diffFiles(journal.files, there)).toEqual([]);
      }
      expect(whole(new Journal(path, '/in'))).toEqual(whole(journal));
      expect(whole(new Journal(path, '/in'))).toEqual(whole(journal));
    }),
    { numRuns: 100 },
  );
}, 60_000);
