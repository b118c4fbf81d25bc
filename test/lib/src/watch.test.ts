import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Watcher, type WatchOptions, watch } from '../../../lib/src/index.ts';
import { takeRegistry } from '../../../lib/src/registry.ts';

let root = '';
beforeEach(() => {
  takeRegistry();
  root = mkdtempSync(join(tmpdir(), 'keruta-watch-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
});

async function started(options: WatchOptions = {}, act: (path: string) => void = () => {}) {
  const seen: string[] = [];
  const problems: string[] = [];
  watch.directory(root, { settleSeconds: 0.05, ...options }, (path, { source, event }) => {
    seen.push(`${source} ${event} ${path.slice(root.length + 1)}`);
    act(path);
    return path.length;
  });
  const watcher = new Watcher({ everyMs: 20, onProblem: (message) => problems.push(message) });
  await watcher.start();
  onTestFinished(() => watcher.stop());
  return { seen, problems, watcher };
}

describe('a watcher', () => {
  test('tells of files that come and change, and of no others', async () => {
    writeFileSync(join(root, 'old.pdf'), 'old');
    const { seen } = await started({ pattern: '*.pdf' });
    writeFileSync(join(root, 'new.pdf'), 'new');
    writeFileSync(join(root, 'new.txt'), 'new');
    await vi.waitFor(() => expect(seen).toEqual(['file create new.pdf']), 10_000);
    writeFileSync(join(root, 'old.pdf'), 'changed');
    await vi.waitFor(() => expect(seen).toEqual(['file create new.pdf', 'file modify old.pdf']), 10_000);
  });

  test('takes a file that is replaced as a whole once, and one in a directory that came with it', async () => {
    const { seen } = await started({ pattern: '*.txt', ignore: ['deep/er/*.tmp.txt'] });
    writeFileSync(join(root, '.hidden'), 'x');
    renameSync(join(root, '.hidden'), join(root, 'a.txt'));
    mkdirSync(join(root, 'deep/er'), { recursive: true });
    writeFileSync(join(root, 'deep/er/a.tmp.txt'), 'x');
    writeFileSync(join(root, 'deep/er/b.txt'), 'x');
    const expected = ['file create a.txt', 'file create deep/er/b.txt'];
    await vi.waitFor(() => expect(seen.toSorted()).toEqual(expected), 10_000);
  });

  test('takes those that are there when it is told to, and tells of those that go', async () => {
    writeFileSync(join(root, 'a'), 'x');
    const { seen } = await started({ existing: true, events: ['create', 'delete'] });
    await vi.waitFor(() => expect(seen).toHaveLength(1), 10_000);
    rmSync(join(root, 'a'));
    await vi.waitFor(() => expect(seen).toHaveLength(2), 10_000);
  });

  test('tells of a file with another name as a rename, not as one that came and one that went', async () => {
    writeFileSync(join(root, 'a'), 'x');
    const { seen } = await started({ events: ['create', 'modify', 'delete', 'rename'] });
    renameSync(join(root, 'a'), join(root, 'b'));
    await vi.waitFor(() => expect(seen).toEqual(['file rename b']), 10_000);
    writeFileSync(join(root, 'c'), 'y');
    await vi.waitFor(() => expect(seen).toEqual(['file rename b', 'file create c']), 10_000);
  });

  test('does not fire a function again by what it does to its own file', async () => {
    const { seen } = await started({}, (path) => appendFileSync(path, ' seen'));
    writeFileSync(join(root, 'a'), 'x');
    await vi.waitFor(() => expect(seen).toEqual(['file create a']), 10_000);
    writeFileSync(join(root, 'b'), 'x');
    await vi.waitFor(() => expect(seen).toEqual(['file create a', 'file create b']), 10_000);
  });

  test('tells once of a directory that is not there, and goes on when it comes', async () => {
    rmSync(root, { recursive: true });
    const { seen, problems } = await started();
    await vi.waitFor(() => expect(problems).toHaveLength(1), 10_000);
    expect(problems[0]).toContain('cannot be watched');
    mkdirSync(root);
    expect(seen).toEqual([]);
  });

  test('hands what came of a file to onComplete', async () => {
    const complete: unknown[] = [];
    watch.onComplete((result, path) => complete.push([result, path]));
    await started();
    writeFileSync(join(root, 'a'), 'x');
    const path = join(root, 'a');
    await vi.waitFor(() => expect(complete).toEqual([[path.length, path]]), 10_000);
  });
});
