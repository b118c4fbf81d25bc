import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTree } from '../../../internal/worker/remove-tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keruta-remove-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function large(...parts: string[]): string {
  const path = join(root, ...parts);
  writeFileSync(path, 'x');
  truncateSync(path, 20 * 1024 * 1024);
  return path;
}

/** What this process has open below the place of the test. */
function open(): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(root));
}

test('everything below a directory is gone at once, whatever it is, and nothing stays open', async () => {
  const tree = join(root, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  large('tree', 'large');
  large('tree', 'a/b/large');
  writeFileSync(join(tree, 'a/small'), 'x');
  execFileSync('mkfifo', [join(tree, 'a/fifo')]);
  removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  await expect.poll(open, { timeout: 10_000 }).toEqual([]);
});

test('links are removed, and what they lead to stays', () => {
  const kept = large('kept');
  mkdirSync(join(root, 'kept-too'));
  large('kept-too', 'inner');
  mkdirSync(join(root, 'tree'));
  symlinkSync(kept, join(root, 'tree/link'));
  symlinkSync(join(root, 'kept-too'), join(root, 'tree/directory'));
  symlinkSync(kept, join(root, 'link'));
  removeTree(join(root, 'tree'));
  removeTree(join(root, 'link'));
  symlinkSync(join(root, 'kept-too'), join(root, 'link'));
  removeTree(join(root, 'link'));
  expect(readdirSync(root).sort()).toEqual(['kept', 'kept-too']);
  expect(readdirSync(join(root, 'kept-too'))).toEqual(['inner']);
});

test('a single file is removed, and what does not exist is no error', () => {
  removeTree(large('large'));
  removeTree(join(root, 'large'));
  expect(readdirSync(root)).toEqual([]);
});
