import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyBlobs } from '../../../internal/blob/copy-blobs.ts';
import { fileBlobKeys } from '../../../internal/blob/file-blob-keys.ts';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import { silentLog } from '../../../pkg/log/log.ts';

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'blobs-'));
  const blob = openFileBlobStore({ directory, log: silentLog });
  onTestFinished(async () => {
    await blob.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, blob };
}

const textOf = async (chunks: AsyncIterable<Uint8Array>) => {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  return text;
};

test('every blob is copied whole, also those of which a part is there, or too much', async () => {
  const [from, to] = [place(), place()];
  const texts = { 'a/1/stdout': 'output', 'a/artifacts/x': 'artifact', b: 'bytes', c: '1234' };
  for (const [key, text] of Object.entries(texts)) await from.blob.append(key, 0, Buffer.from(text));
  await to.blob.append('a/1/stdout', 0, Buffer.from('out'));
  await to.blob.append('c', 0, Buffer.from('123456'));
  const copy = () => copyBlobs({ from: from.blob, to: to.blob, keys: fileBlobKeys(from.directory) });
  expect(await copy()).toEqual({ blobs: 4, bytes: 6 + 8 + 5 + 4 });
  for (const [key, text] of Object.entries(texts)) expect(await textOf(to.blob.read(key, 0))).toBe(text);
  await copy();
  for (const [key, text] of Object.entries(texts)) expect(await textOf(to.blob.read(key, 0))).toBe(text);
});

test('a directory that is not there has no blobs', async () => {
  const keys: string[] = [];
  for await (const key of fileBlobKeys('/nowhere/at/all')) keys.push(key);
  expect(keys).toEqual([]);
});
