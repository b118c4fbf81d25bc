import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type OpenedArtifact, openArtifact } from '../../../../internal/worker/artifacts/open.ts';
import { ownPlaces } from '../../../../internal/worker/artifacts/own-places.ts';
import { scanArtifacts } from '../../../../internal/worker/artifacts/scan.ts';
import { makeRedactor } from '../../../../pkg/redact/redactor.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

const scratchDirectory = temporaryDirectory('scratch');
const maxBytes = 100_000_000;

async function found(name: string, content: string | Buffer) {
  const root = join(temporaryDirectory('artifacts'), 'doc');
  mkdirSync(root);
  writeFileSync(join(root, name), content);
  const scan = await scanArtifacts({
    directories: [root],
    own: ownPlaces({ baseDirectories: [], files: [], work: [] }),
    previous: null,
    maxBytes: 1e9,
    maxCount: 10,
    maxTotalBytes: 1e9,
  });
  const file = scan.files[0]!;
  return { root, file, place: file.absolutePath };
}

async function read(artifact: OpenedArtifact, from = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of artifact.stream(from)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

describe('openArtifact', () => {
  test('gives size, digest and bytes from any offset', async () => {
    const content = Buffer.from(Array.from({ length: 200_001 }, (_, index) => index % 251));
    const { file } = await found('a.bin', content);
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes });
    expect(artifact).toMatchObject({ size: 200_001, sha256: sha256(content), unstable: false });
    expect((await read(artifact)).equals(content)).toBe(true);
    expect((await read(artifact, 150_000)).equals(content.subarray(150_000))).toBe(true);
    expect((await read(artifact, 200_001)).length).toBe(0);
    await artifact.close();
  });

  test('gives a masked copy where it is to be masked, of the same length, and leaves the file alone', async () => {
    const [secret, gap] = ['a-secret-of-the-task', 'x'.repeat(64 * 1024 - 10)];
    const { file, place } = await found('a.bin', `${gap}${secret}${gap}\0${secret}`);
    const mask = makeRedactor([{ name: '', value: secret }]).stream();
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes, mask });
    const stars = '*'.repeat(secret.length);
    const bytes = await read(artifact);
    expect(bytes.toString()).toBe(`${gap}${stars}${gap}\0${stars}`);
    expect([artifact.size, artifact.sha256]).toEqual([file.size, sha256(bytes)]);
    await artifact.close();
    expect(readFileSync(place, 'utf8')).toContain(secret);
    expect(readdirSync(scratchDirectory)).toEqual([]);
  });

  test('an empty file is an artifact', async () => {
    const { file } = await found('empty', '');
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes });
    expect(artifact).toMatchObject({ size: 0, sha256: sha256('') });
    expect((await read(artifact)).length).toBe(0);
    await artifact.close();
  });

  test('a link, a FIFO or another file in its place is refused at once', async () => {
    const swaps: ((place: string) => void)[] = [
      (place) => symlinkSync('/etc/passwd', place),
      (place) => execFileSync('mkfifo', [place]),
      (place) => {
        writeFileSync(`${place}.new`, 'other');
        renameSync(`${place}.new`, place);
      },
      () => {},
    ];
    for (const swap of swaps) {
      const { file, place } = await found('a.txt', 'x');
      renameSync(place, `${place}.away`);
      swap(place);
      await expect(openArtifact({ file, scratchDirectory, maxBytes })).rejects.toMatchObject({
        code: 'KERUTA_ERR_ARTIFACT_REFUSED',
      });
    }
  });

  test('a file that is reached through a swapped directory is refused', async () => {
    const { file, root } = await found('a.txt', 'x');
    const away = `${root}.away`;
    renameSync(root, away);
    symlinkSync(away, root);
    await expect(openArtifact({ file, scratchDirectory, maxBytes })).rejects.toThrow(/outside/);
  });

  test('a file that grew over the limit is refused', async () => {
    const { file, place } = await found('a.txt', 'x');
    appendFileSync(place, 'y'.repeat(100));
    await expect(openArtifact({ file, scratchDirectory, maxBytes: 50 })).rejects.toMatchObject({
      code: 'KERUTA_ERR_ARTIFACT_TOO_LARGE',
    });
  });

  test.each([
    ['grows', (fd: number) => writeSync(fd, 'more', 300_000)],
    ['shrinks', (fd: number) => ftruncateSync(fd, 10)],
  ])('a file that %s while it is sent is a change, not a mix', async (_what, change) => {
    const { file, place } = await found('a.bin', Buffer.alloc(200_000, 1));
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes });
    const fd = openSync(place, 'r+');
    change(fd);
    closeSync(fd);
    await expect(read(artifact)).rejects.toMatchObject({ code: 'KERUTA_ERR_ARTIFACT_DIGEST' });
    await artifact.close();
    const again = await openArtifact({ file, scratchDirectory, maxBytes, copy: true });
    const bytes = await read(again);
    expect(again).toMatchObject({ size: bytes.length, sha256: sha256(bytes), unstable: false });
    await again.close();
    expect(readdirSync(scratchDirectory)).toEqual([]);
  });

  test('a file that is deleted while it is sent is sent to its end', async () => {
    const { file, place } = await found('a.txt', 'whole');
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes });
    rmSync(place);
    expect(String(await read(artifact))).toBe('whole');
    await artifact.close();
  });

  test('a file that never stands still is sent from a copy and marked', async () => {
    const { file, place } = await found('log.bin', Buffer.alloc(3_000_000, 1));
    const fd = openSync(place, 'r+');
    let writing = true;
    const writer = (async () => {
      for (let round = 0; writing; round += 1) {
        writeSync(fd, Buffer.alloc(64, round), 0, 64, 3_000_000 + round);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const artifact = await openArtifact({ file, scratchDirectory, maxBytes });
    const bytes = await read(artifact);
    writing = false;
    await writer;
    closeSync(fd);
    expect(artifact.unstable).toBe(true);
    expect(artifact).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
    await artifact.close();
    expect(readdirSync(scratchDirectory)).toEqual([]);
  });
});
