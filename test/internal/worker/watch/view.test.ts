import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { pathIgnorer } from '../../../../internal/trigger/path-pattern.ts';
import { scanTree, type TreeWish } from '../../../../internal/worker/watch/tree.ts';
import { View } from '../../../../internal/worker/watch/view.ts';
import { systemClock as clock } from '../../../../pkg/clock/system-clock.ts';
import { pathMatcher } from '../../../../pkg/glob/path-matcher.ts';

const { signal } = new AbortController();

function place(more: Partial<TreeWish> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'view-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const wish: TreeWish = {
    root,
    matches: pathMatcher(['**']),
    ignored: pathIgnorer([]),
    maxEntries: 1000,
    ...more,
  };
  return { root, wish };
}

const names = ['a', 'b', 'd/a', 'd/b', 'd/e/c'];
const step = fc.oneof(
  fc.record({ does: fc.constant('write' as const), at: fc.constantFrom(...names), bytes: fc.nat(3) }),
  fc.record({ does: fc.constant('remove' as const), at: fc.constantFrom(...names, 'd', 'd/e') }),
  fc.record({
    does: fc.constant('move' as const),
    at: fc.constantFrom(...names, 'd', 'd/e'),
    to: fc.constantFrom('x', 'y', 'a'),
  }),
);

/** Does a step in a real directory, if it can be done. @returns the paths that something would be heard of */
function act(root: string, one: Readonly<Record<string, unknown>>): string[] {
  const at = join(root, String(one.at));
  try {
    if (one.does === 'write') {
      mkdirSync(join(at, '..'), { recursive: true });
      writeFileSync(at, 'x'.repeat(Number(one.bytes)));
      return [at, join(at, '..')];
    }
    if (one.does === 'remove') rmSync(at, { recursive: true });
    else renameSync(at, join(root, String(one.to)));
    return one.does === 'remove' ? [at] : [at, join(root, String(one.to))];
  } catch {
    return [];
  }
}

describe('a view', () => {
  test('that looks only where something was heard of sees what is there, in whatever order it was heard, and however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 5 }),
        fc.nat(),
        async (rounds, turn) => {
          const { root, wish } = place();
          const view = new View();
          const look = { wish, known: new Map(), clock, signal };
          await view.seeAll({ ...look, since: 0 });
          for (const steps of rounds) {
            const heard = steps.flatMap((one) => act(root, one)).filter((path) => path !== root);
            const at = heard.length === 0 ? 0 : turn % heard.length;
            await view.seeSome(
              new Map([...heard.slice(at), ...heard.slice(0, at), ...heard].map((path) => [path, 1])),
              look,
            );
          }
          const { files } = await scanTree(wish, signal);
          const seen = view
            .changes(new Map())
            .map(({ path, size, inode, mtimeNs }) => ({ path, size, inode, mtimeNs }));
          const there = [...files].map(([path, { size, inode, mtimeNs }]) => ({
            path,
            size,
            inode,
            mtimeNs,
          }));
          expect(seen).toEqual(there.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
          expect(view.size).toBe(files.size);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);

  test('forgets what was below a directory whose name a file has now, one that does not match too', async () => {
    const { root, wish } = place({ matches: pathMatcher(['**/c']) });
    const look = { wish, known: new Map(), clock, signal };
    const view = new View();
    for (const name of ['a', 'c']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'c'), 'x');
    }
    await view.seeAll({ ...look, since: 0 });
    for (const name of ['a', 'c']) {
      rmSync(join(root, name), { recursive: true });
      writeFileSync(join(root, name), 'x');
      await view.seeSome(new Map([[join(root, name), 1]]), look);
    }
    expect(view.changes(new Map()).map(({ path }) => path)).toEqual([join(root, 'c')]);
    expect(view.size).toBe(1);
  });

  test('tells when a file changed: by its time, or between the two looks when it came or went with its directory', async () => {
    const { root, wish } = place();
    const other = place().root;
    mkdirSync(join(other, 'tree'));
    writeFileSync(join(other, 'tree/a'), 'x');
    const { changedAt } = (await scanTree({ ...wish, root: other }, signal)).files.get(
      join(other, 'tree/a'),
    ) ?? { changedAt: 0 };
    const before = clock.now();
    // the times of files are told in ticks of the kernel
    while (clock.now() < before + 50) await new Promise(setImmediate);
    const view = new View();
    const look = { wish, known: new Map(), clock, signal };
    await view.seeAll({ ...look, since: 0 });
    renameSync(join(other, 'tree'), join(root, 'tree'));
    writeFileSync(join(root, 'b'), 'x');
    await view.seeAll({ ...look, since: 0 });
    const b = view.spanOf(join(root, 'b'));
    expect(b.from).toBe(b.to);
    expect(b.to).toBeGreaterThan(before - 50);
    expect(view.spanOf(join(root, 'tree/a')).to).toBeGreaterThanOrEqual(Math.floor(changedAt));
    expect(view.spanOf(join(root, 'tree/a')).to).toBeGreaterThan(before + 40);
  });

  test('follows no links: not out of the directory, not in a circle', async () => {
    const { root, wish } = place();
    mkdirSync(join(root, 'd'));
    symlinkSync('/', join(root, 'out'));
    symlinkSync('..', join(root, 'd/loop'));
    symlinkSync('self', join(root, 'self'));
    writeFileSync(join(root, 'd/a'), 'x');
    expect([...(await scanTree(wish, signal)).files.keys()]).toEqual([join(root, 'd/a')]);
  });

  test('takes names of any kind that is text, and says how many are not', async () => {
    const { root, wish } = place();
    const odd = ['new\nline', ' blank ', 'quo"te\'$(x)', '%s', 'ä€😀', 'x'.repeat(255)];
    for (const name of odd) writeFileSync(join(root, name), 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'x');
    const view = new View();
    await view.seeAll({ wish, known: new Map(), clock, signal, since: 0 });
    expect(
      view
        .changes(new Map())
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(odd.map((name) => join(root, name)).toSorted());
    expect(view.note).toBe('1 names are not UTF-8: what has them is left out');
  });

  test('of more than maxEntries is refused, and says what to do', async () => {
    const { root, wish } = place({ maxEntries: 2 });
    writeFileSync(join(root, 'a'), 'x');
    await expect(scanTree(wish, signal)).resolves.toMatchObject({ entries: 2 });
    writeFileSync(join(root, 'b'), 'x');
    await expect(scanTree(wish, signal)).rejects.toThrow(/more than 2 .* raise maxEntries/);
  });
});
