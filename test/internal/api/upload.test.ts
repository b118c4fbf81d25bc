import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import { uploadInPieces } from '../../../internal/api/upload.ts';
import { ConflictError } from '../../../internal/domain/errors.ts';

const mebibyte = 1024 * 1024;

/** A server that keeps what it is sent. @param start  bytes that it has from before; @param wrong  answers of the wrong offset */
function makeServer(size: number, { start = 0, wrong = [] as number[] } = {}) {
  const kept: Buffer[] = [];
  const lengths: number[] = [];
  let here = start;
  const patchUpload = async (_upload: unknown, { offset, bytes }: { offset: number; bytes: Uint8Array }) => {
    const claimed = wrong.shift();
    if (claimed !== undefined || offset !== here) {
      here = claimed ?? here;
      throw new ConflictError('KERUTA_ERR_OFFSET_MISMATCH', 'no', { details: { offset: here } });
    }
    // a copy, since a piece is good only until the next one is asked for
    kept.push(Buffer.from(bytes));
    lengths.push(bytes.length);
    here += bytes.length;
    return { offset: here, artifact: here === size ? { id: 'made' } : null };
  };
  const beginUpload = async () => ({ artifactId: null, uploadId: 'u', offset: start });
  const client = { artifacts: { beginUpload, patchUpload } } as unknown as ApiClient;
  return { client, lengths, all: () => Buffer.concat(kept) };
}

function makeFile(size: number, chunkBytes: number) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE(at, at);
  const opened: number[] = [];
  async function* open(offset: number) {
    opened.push(offset);
    for (let at = offset; at < size; at += chunkBytes)
      yield bytes.subarray(at, Math.min(size, at + chunkBytes));
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const about = { path: 'a', contentType: 'x/y', description: '', unstable: false };
  return { bytes, opened, source: { ...about, size, sha256, open } };
}

const target = { taskId: 't', attempt: 1 };

test.each([
  ['an empty file', 0, 65_536, [0]],
  ['a small file', 5, 65_536, [5]],
  ['a file of one whole piece', 4 * mebibyte, 65_536, [4 * mebibyte]],
  ['a file of two pieces and a byte', 8 * mebibyte + 1, 65_536, [4 * mebibyte, 4 * mebibyte, 1]],
  [
    'a file that is read in parts of odd sizes',
    9 * mebibyte,
    999_983,
    [4 * mebibyte, 4 * mebibyte, mebibyte],
  ],
  ['a file that is read at once', 9 * mebibyte, 99 * mebibyte, [4 * mebibyte, 4 * mebibyte, mebibyte]],
])('%s arrives as it is', async (_what, size, chunkBytes, lengths) => {
  const file = makeFile(size, chunkBytes);
  const server = makeServer(size);
  expect(await uploadInPieces(server.client, target, file.source)).toBe('made');
  expect(server.lengths).toEqual(lengths);
  expect(server.all().equals(file.bytes)).toBe(true);
});

test('what the server has already is not sent again', async () => {
  const file = makeFile(5 * mebibyte, 65_536);
  const server = makeServer(5 * mebibyte, { start: 3 * mebibyte });
  expect(await uploadInPieces(server.client, target, file.source)).toBe('made');
  expect(server.all().equals(file.bytes.subarray(3 * mebibyte))).toBe(true);
  expect(file.opened).toEqual([3 * mebibyte]);
});

test('where the server says another offset it goes on from there, some times', async () => {
  const file = makeFile(100, 10);
  const server = makeServer(100, { wrong: [40, 20] });
  expect(await uploadInPieces(server.client, target, file.source)).toBe('made');
  expect(file.opened).toEqual([0, 40, 20]);
  expect(server.all().equals(file.bytes.subarray(20))).toBe(true);
  const stubborn = makeServer(100, { wrong: [1, 2, 3, 4, 5, 6, 7] });
  await expect(uploadInPieces(stubborn.client, target, file.source)).rejects.toMatchObject({
    code: 'KERUTA_ERR_OFFSET_MISMATCH',
  });
});

test('files one after another use one memory, those at the same time have their own, and a fault keeps its own', async () => {
  const file = makeFile(5 * mebibyte, 65_536);
  const used: ArrayBufferLike[] = [];
  const serve = (wrong: number[] = []) => {
    const { client, all } = makeServer(5 * mebibyte, { wrong });
    const { patchUpload } = client.artifacts;
    client.artifacts.patchUpload = async (upload, piece, options) => {
      if (piece.offset === 0) used.push(piece.bytes.buffer);
      return patchUpload(upload, piece, options);
    };
    return { all, send: () => uploadInPieces(client, target, file.source) };
  };
  const [first, second, third, fourth, last] = [
    serve(),
    serve(),
    serve(),
    serve([1, 1, 1, 1, 1, 1]),
    serve(),
  ];
  await first.send();
  await Promise.all([second.send(), third.send()]);
  await expect(fourth.send()).rejects.toThrow();
  await last.send();
  for (const { all } of [first, second, third, last]) expect(all().equals(file.bytes)).toBe(true);
  const [a, b, c, d, e] = used;
  expect([b, c].filter((one) => one === a)).toHaveLength(1);
  expect(b).not.toBe(c);
  expect(e).not.toBe(d);
});
