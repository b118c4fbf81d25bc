import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ClosedDirectory, closedDirectory } from '../../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

let [root, outside] = ['', ''];
let place: ClosedDirectory;
beforeEach(() => {
  const top = realpathSync(temporaryDirectory('closed'));
  [root, outside] = [join(top, 'root'), join(top, 'outside')];
  for (const directory of [root, outside, join(root, 'a'), join(root, '.git')]) mkdirSync(directory);
  writeFileSync(join(root, 'a/text'), 'inside');
  writeFileSync(join(root, '.git/config'), 'config');
  writeFileSync(join(outside, 'text'), 'outside');
  place = closedDirectory({ root, isClosed: (name) => name === '.git' });
});

const read = async (path: string) => (await place.read(path, 1000)).toString();
const write = (path: string, text = 'new') => place.write(path, Buffer.from(text));
/** Everything outside, as text. */
const all = () => readdirSync(outside).map((name) => [name, readFileSync(join(outside, name), 'utf8')]);
const untouched = [['text', 'outside']];

describe('a closed directory', () => {
  test('reads, lists and writes what is in it, and makes directories on the way', async () => {
    expect(await read('./a//text')).toBe('inside');
    expect([await write('b/c/new'), await write('a/text', 'changed')]).toEqual([false, true]);
    expect([await read('b/c/new'), await read('a/text')]).toEqual(['new', 'changed']);
    symlinkSync(outside, join(root, 'z'));
    expect(await place.list('.')).toEqual([
      { name: 'a', kind: 'directory' },
      { name: 'b', kind: 'directory' },
      { name: 'z', kind: 'link' },
    ]);
    expect(readdirSync(join(root, 'a'))).toEqual(['text']);
  });

  test('removes a file, a link as such, and nothing where there is none', async () => {
    symlinkSync(join(outside, 'text'), join(root, 'link'));
    symlinkSync(outside, join(root, 'out'));
    for (const path of ['link', 'a/text', 'nothing']) await place.remove(path);
    expect(readdirSync(root).sort()).toEqual(['.git', 'a', 'out']);
    expect(readdirSync(join(root, 'a'))).toEqual([]);
    for (const path of ['a', 'out/text', 'none/text', '../outside/text', '.git/config'])
      await expect(place.remove(path)).rejects.toThrow(FileRefusedError);
    expect(all()).toEqual(untouched);
  });

  test('keeps the mode of a file that is replaced', async () => {
    chmodSync(join(root, 'a/text'), 0o755);
    await write('a/text');
    expect(statSync(join(root, 'a/text')).mode & 0o777).toBe(0o755);
  });

  test.each([
    ['../outside/text', 'has ".."'],
    ['a/../../outside/text', 'has ".."'],
    ['/etc/passwd', 'is absolute'],
    ['a/te\0xt', 'NUL'],
    ['.git/config', 'leads through .git, which is closed'],
    ['a/.git', 'leads through .git, which is closed'],
    ['.', 'is a directory'],
    ['a', 'is '],
    ['a/text/more', 'leads through a link, or through a file'],
    [`${'d/'.repeat(70)}x`, 'more than 64 parts'],
    ['n'.repeat(300), 'name that is too long'],
  ])('takes no path such as %j', async (path, words) => {
    for (const act of [() => read(path), () => write(path)]) {
      await expect(act()).rejects.toThrow(FileRefusedError);
      await expect(act()).rejects.toThrow(words);
    }
    expect(all()).toEqual(untouched);
    expect(readFileSync(join(root, '.git/config'), 'utf8')).toBe('config');
  });

  test('follows no link: neither on the way nor at its end, wherever it leads', async () => {
    symlinkSync(outside, join(root, 'out'));
    symlinkSync(join(outside, 'text'), join(root, 'file'));
    symlinkSync(join(outside, 'made'), join(root, 'dangling'));
    symlinkSync('a', join(root, 'in'));
    symlinkSync('.git', join(root, 'repository'));
    for (const path of ['out/text', 'out/new', 'file', 'dangling', 'in/text', 'repository/config']) {
      await expect(read(path), path).rejects.toThrow(FileRefusedError);
      await expect(write(path), path).rejects.toThrow(FileRefusedError);
    }
    for (const path of ['out', 'in', 'repository'])
      await expect(place.list(path)).rejects.toThrow(FileRefusedError);
    expect(all()).toEqual(untouched);
    expect(readFileSync(join(root, '.git/config'), 'utf8')).toBe('config');
  });

  test('replaces a file that has another name outside, and leaves that one as it is', async () => {
    linkSync(join(outside, 'text'), join(root, 'twin'));
    await write('twin', 'mine');
    expect([await read('twin'), all()]).toEqual(['mine', untouched]);
  });

  test('neither waits for a pipe nor reads more than it may', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await expect(read('pipe')).rejects.toThrow('special file');
    await expect(write('pipe')).rejects.toThrow('no regular file');
    writeFileSync(join(root, 'large'), 'x'.repeat(1001));
    await expect(read('large')).rejects.toThrow('has 1001 bytes; expected at most 1000');
  });

  test('writes nothing outside while somebody exchanges a directory for a link', async () => {
    const [real, away] = [join(root, 'd'), join(root, 'away')];
    mkdirSync(real);
    let isOver = false;
    // the one who writes may have made the directory anew in between
    const put = (act: () => void) => {
      for (;;)
        try {
          return act();
        } catch {
          rmSync(real, { recursive: true, force: true });
        }
    };
    const swapping = (async () => {
      while (!isOver) {
        renameSync(real, away);
        put(() => symlinkSync(outside, real));
        await new Promise(setImmediate);
        rmSync(real);
        put(() => renameSync(away, real));
        await new Promise(setImmediate);
      }
    })();
    let written = 0;
    for (let round = 0; round < 300; round++)
      written += await write('d/text', 'caught').then(
        () => 1,
        (error: unknown) => {
          expect(error).toBeInstanceOf(FileRefusedError);
          return 0;
        },
      );
    isOver = true;
    await swapping;
    expect(all()).toEqual(untouched);
    expect(written).toBeGreaterThan(0);
  });
});
