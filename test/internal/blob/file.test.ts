import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import { mapFileError } from '../../../internal/blob/file-errors.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { blobContract } from './blob-contract.ts';

const newDirectory = () => mkdtempSync(join(tmpdir(), 'blob-'));

for (const durability of ['full', 'process'] as const)
  blobContract(`files, durability ${durability}`, async () => {
    const directory = newDirectory();
    return {
      open: async () => openFileBlobStore({ directory, log: silentLog, durability }),
      remove: () => rm(directory, { recursive: true, force: true }),
    };
  });

test('files are for their owner only, and a store that got no bytes makes nothing', async () => {
  const directory = join(newDirectory(), 'blobs');
  const blob = openFileBlobStore({ directory, log: silentLog });
  await blob.append('a/b', 3, Buffer.from('x'));
  await blob.append('a/b', 0, Buffer.alloc(0));
  expect(existsSync(directory)).toBe(false);
  await blob.append('a/b', 0, Buffer.from('x'));
  expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'a/b')).mode & 0o777).toBe(0o600);
  await blob.close();
  await rm(directory, { recursive: true });
});

test('an empty file that a dead process left, and directories that somebody took away, are no obstacle', async () => {
  const directory = newDirectory();
  mkdirSync(join(directory, 'a'));
  writeFileSync(join(directory, 'a/b'), '');
  const blob = openFileBlobStore({ directory, log: silentLog });
  expect(await blob.append('a/b', 0, Buffer.from('x'))).toEqual({ ok: true, size: 1 });
  await Promise.all(['c/1/out', 'c/1/err'].map((key) => blob.append(key, 0, Buffer.from('y'))));
  await rm(join(directory, 'c'), { recursive: true });
  expect(await blob.append('c/1/new', 0, Buffer.from('z'))).toEqual({ ok: true, size: 1 });
  await blob.close();
  await rm(directory, { recursive: true });
});

test('more streams than there are files kept open lose nothing', async () => {
  const directory = newDirectory();
  const blob = openFileBlobStore({ directory, log: silentLog, durability: 'process' });
  const keys = Array.from({ length: 150 }, (_, index) => `t${index}/stdout`);
  for (let round = 0; round < 3; round++)
    await Promise.all(keys.map((key) => blob.append(key, round * 2, Buffer.from(`${round}\n`))));
  for (const key of keys) {
    let text = '';
    for await (const piece of blob.read(key, 0)) text += Buffer.from(piece).toString();
    expect(text).toBe('0\n1\n2\n');
  }
  await blob.close();
  await rm(directory, { recursive: true });
});

test('a place that cannot be written is an error of the store that names the key, not the place', async () => {
  const directory = newDirectory();
  writeFileSync(join(directory, 'a'), 'a file where a directory should be');
  const blob = openFileBlobStore({ directory, log: silentLog });
  await expect(blob.append('a/b', 0, Buffer.from('x'))).rejects.toMatchObject({
    code: 'KERUTA_ERR_STORE_UNAVAILABLE',
    message: expect.not.stringContaining(directory),
  });
  await blob.close();
  await rm(directory, { recursive: true });
});

test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s is a full disk', (code) => {
  const error = Object.assign(new Error('m'), { code, syscall: 'write' });
  expect(mapFileError(error, 'k')).toMatchObject({ code: 'KERUTA_ERR_DISK_FULL' });
});

test('what was acknowledged is there after the process was killed', async () => {
  const directory = newDirectory();
  const room = join(import.meta.dirname, '../../../internal/blob/file-blob-store.ts');
  const log = join(import.meta.dirname, '../../../pkg/log/log.ts');
  const code = `import { openFileBlobStore } from ${JSON.stringify(room)};
    import { silentLog } from ${JSON.stringify(log)};
    const blob = openFileBlobStore({ directory: ${JSON.stringify(directory)}, log: silentLog });
    for (let end = 0; ; ) {
      end = (await blob.append('a/b', end, Buffer.from('line\\n'))).size;
      console.log(end);
    }`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module-typescript', '-e', code]);
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  const blob = openFileBlobStore({ directory, log: silentLog });
  const acknowledged = Number(said.trimEnd().split('\n').at(-1));
  expect(acknowledged).toBeGreaterThan(0);
  expect(await blob.size('a/b')).toBeGreaterThanOrEqual(acknowledged);
  await blob.close();
  await rm(directory, { recursive: true });
});
