import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RotatingFile } from '../../../pkg/log/rotating-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rotating-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const canMount = (() => {
  const at = mkdtempSync(join(tmpdir(), 'mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]).status === 0;
  if (mounted) spawnSync('umount', [at]);
  rmSync(at, { recursive: true });
  return mounted;
})();

describe('a rotating file', () => {
  test('keeps the newest lines under its own name and so many files before it', async () => {
    const file = join(directory, 'logs', 'a.log');
    const log = new RotatingFile({ file, maxBytes: 20, count: 3 });
    await Promise.all(Array.from({ length: 10 }, (_, index) => log.write(`line number ${index}\n`)));
    await log.close();
    const kept = readdirSync(join(directory, 'logs')).sort();
    expect(kept).toEqual(['a1.log', 'a2.log']);
    await log.write('one more\n');
    await log.close();
    expect(readFileSync(file, 'utf8')).toBe('one more\n');
    expect(readFileSync(join(directory, 'logs/a1.log'), 'utf8')).toBe('line number 8\nline number 9\n');
    expect(readFileSync(join(directory, 'logs/a2.log'), 'utf8')).toBe('line number 6\nline number 7\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('goes on behind what a former program wrote', async () => {
    const file = join(directory, 'a.log');
    writeFileSync(file, 'before\n');
    const log = new RotatingFile({ file, maxBytes: 10, count: 2 });
    await log.write('now\n');
    await log.close();
    expect(readFileSync(join(directory, 'a1.log'), 'utf8')).toBe('before\nnow\n');
  });

  test('makes a file that was deleted, or its directory, anew with the next line', async () => {
    const file = join(directory, 'logs', 'a.log');
    const log = new RotatingFile({ file, maxBytes: 1000, count: 2 });
    await log.write('before\n');
    rmSync(file);
    await log.write('one\n');
    expect(readFileSync(file, 'utf8')).toBe('one\n');
    rmSync(join(directory, 'logs'), { recursive: true });
    await log.write('two\n');
    expect(readFileSync(file, 'utf8')).toBe('two\n');
    await log.close();
  });

  test('loses a line that cannot be written, and writes the next one that can', async () => {
    const file = join(directory, 'logs', 'a.log');
    mkdirSync(file, { recursive: true });
    const log = new RotatingFile({ file, maxBytes: 1000, count: 2 });
    await expect(log.write('lost\n')).rejects.toThrow('EISDIR');
    rmSync(file, { recursive: true });
    await log.write('kept\n');
    await log.close();
    expect(readFileSync(file, 'utf8')).toBe('kept\n');
  });

  test.skipIf(!canMount)(
    'F-51: is written again when a full disk has space again (needs to mount one)',
    async () => {
      chmodSync(directory, 0o700);
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
      try {
        const file = join(directory, 'a.log');
        const log = new RotatingFile({ file, maxBytes: 1_000_000, count: 2 });
        await log.write('first\n');
        writeFileSync(join(directory, 'ballast'), Buffer.alloc(56 * 1024));
        const line = `${'x'.repeat(999)}\n`;
        const written = await Promise.allSettled(Array.from({ length: 10 }, () => log.write(line)));
        expect(written.some(({ status }) => status === 'rejected')).toBe(true);
        rmSync(join(directory, 'ballast'));
        await log.write('last\n');
        await log.close();
        const lines = readFileSync(file, 'utf8').split('\n');
        expect(lines[0]).toBe('first');
        expect(lines.at(-2)).toBe('last');
      } finally {
        spawnSync('umount', ['-l', directory]);
      }
    },
  );
});
