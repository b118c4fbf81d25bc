import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FileRefusedError, isInside, readInside } from '../../../pkg/files/read-inside.ts';

let top = '';
let root = '';
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'read-inside-')));
  root = join(top, 'root');
  mkdirSync(join(root, 'deep'), { recursive: true });
  writeFileSync(join(top, 'secret'), 'secret');
  writeFileSync(join(root, 'a'), 'in');
  const place = top;
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
});

const read = (path: string, maxBytes = 100) => readInside({ root, path, maxBytes });

describe('a file is read', () => {
  test('when it is regular and inside, also by links that stay inside', async () => {
    symlinkSync('../a', join(root, 'deep/link'));
    symlinkSync('deep', join(root, 'other'));
    expect([await read('a'), await read('deep/link'), await read('other/link')]).toEqual(['in', 'in', 'in']);
  });

  test('when it has exactly the bytes that it may have', async () => {
    writeFileSync(join(root, 'full'), 'x'.repeat(100));
    expect(await read('full')).toHaveLength(100);
  });
});

describe('a file is refused', () => {
  const refused: readonly (readonly [string, () => void, string, string?])[] = [
    ['a link to a file outside', () => symlinkSync(join(top, 'secret'), join(root, 'x')), 'is a link out of'],
    [
      'a link to a directory outside',
      () => symlinkSync(top, join(root, 'y')),
      'is a link out of',
      'y/secret',
    ],
    ['a path that leads outside', () => {}, 'is a link out of', '../secret'],
    [
      'a directory beside it whose name begins alike',
      () => writeFileSync(join(top, 'root2'), ''),
      'is a link out of',
      '../root2',
    ],
    ['a link to nothing', () => symlinkSync('nowhere', join(root, 'x')), 'cannot be read (ENOENT)'],
    ['a link to itself', () => symlinkSync('x', join(root, 'x')), 'cannot be read (ELOOP)'],
    ['a directory', () => mkdirSync(join(root, 'x')), 'is not a regular file'],
    [
      'a pipe that nobody writes to',
      () => void execFileSync('mkfifo', [join(root, 'x')]),
      'is not a regular file',
    ],
    [
      'a file over the limit',
      () => writeFileSync(join(root, 'x'), 'x'.repeat(101)),
      'has 101 bytes; expected at most 100',
    ],
    [
      'bytes that are no UTF-8',
      () => writeFileSync(join(root, 'x'), Buffer.from([0xff, 0xfe])),
      'is not UTF-8 text',
    ],
  ];
  test.each(refused.map((row) => ({ row, what: row[0] })))('when it is $what', async ({ row }) => {
    const [, make, message, path] = row;
    make();
    const error = await read(path ?? 'x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FileRefusedError);
    expect((error as Error).message).toContain(message);
  });
});

test.each([
  ['/a/b', '/a', true],
  ['/a', '/a', true],
  ['/ab', '/a', false],
  ['/a', '/', true],
])('%s is inside of %s: %s', (path, directory, expected) => {
  expect(isInside(path, directory)).toBe(expected);
});
