import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { StreamRedactor } from '../../../pkg/redact/stream-mask.ts';
import { InputError } from '../../domain/errors.ts';
import type { ArtifactFile } from './scan.ts';

/** An artifact whose bytes are known. Close it. */
export interface OpenedArtifact {
  readonly size: number;
  /** of exactly the bytes that `stream` gives; lower-case hex */
  readonly sha256: string;
  /** whether the file changed each time it was read: this is one of several versions, read from a copy */
  readonly unstable: boolean;
  /**
   * The bytes from an offset to the end, in pieces of at most 64 KiB; any number of times. A piece is good until the next one
   * is asked for.
   * @throws {InputError} KERUTA_ERR_ARTIFACT_DIGEST when the file was changed since its digest was taken: open it again,
   *   with `copy`
   */
  stream(from: number): AsyncGenerator<Uint8Array>;
  /** Lets go of the file, and removes the copy if there is one. */
  close(): Promise<void>;
}

/** What to open. */
export interface OpenRequest {
  readonly file: ArtifactFile;
  /** absolute; private; where a copy of a file that does not stand still is kept meanwhile */
  readonly scratchDirectory: string;
  /** file size limit, again: a file may have grown since it was looked at */
  readonly maxBytes: number;
  /** copy at once, after KERUTA_ERR_ARTIFACT_DIGEST; default false */
  readonly copy?: boolean;
  /** what is sent is a copy that went through it; default: the file as it is */
  readonly mask?: StreamRedactor;
}

const pieceBytes = 64 * 1024;
/** How often a file that changes while it is read is read again. */
const maxReads = 3;

/**
 * Opens an artifact safely and takes its digest in bounded memory. A file that changes meanwhile is read again, at last
 * through a copy, so that size and digest always agree with what is sent.
 *
 * @throws {InputError} KERUTA_ERR_ARTIFACT_REFUSED when it is no longer the regular file that was found;
 *   KERUTA_ERR_ARTIFACT_TOO_LARGE
 */
export async function openArtifact(request: OpenRequest): Promise<OpenedArtifact> {
  const { file } = request;
  const handle = await openChecked(file);
  try {
    if (request.copy !== true && request.mask === undefined) {
      for (let read = 1; read <= maxReads; read += 1) {
        const before = await stampOf(handle);
        const digest = await digestOf(handle, request);
        const after = await stampOf(handle);
        if (before === after) return stable({ handle, digest, stamp: after, file });
      }
    }
    const copied = await copyOf(handle, request);
    await handle.close();
    return copied;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens without following a link and without waiting for a FIFO, then makes sure it is the file that was found. */
async function openChecked(file: ArtifactFile): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file.absolutePath, flags).catch((cause: unknown) => {
    throw refused(file, 'it cannot be opened any more', cause);
  });
  try {
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) throw refused(file, 'it is not a regular file');
    if (stat.nlink !== 1n) throw refused(file, 'it has other names, or none any more');
    if (String(stat.dev) !== file.device || String(stat.ino) !== file.inode)
      throw refused(file, 'another file took its place');
    const place = await placeOf(handle, file);
    if (!place.startsWith(file.root + sep)) throw refused(file, 'it is outside of the artifacts directory');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where an open file is: from the kernel where it tells, so that no directory on the way can be swapped meanwhile. */
async function placeOf(handle: FileHandle, file: ArtifactFile): Promise<string> {
  return readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(file.absolutePath));
}

interface Digest {
  readonly size: number;
  readonly sha256: string;
}

/** Reads no further than the size at its start, or a file that somebody keeps appending to would never end. */
async function digestOf(handle: FileHandle, request: OpenRequest, copy?: FileHandle): Promise<Digest> {
  const hash = createHash('sha256');
  const { mask } = request;
  const { size: end } = await handle.stat();
  if (end > request.maxBytes) throw tooLarge(request);
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end));
  const take = async (bytes: Uint8Array) => {
    hash.update(bytes);
    if (copy) await copy.writeFile(bytes);
  };
  let size = 0;
  while (size < end) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(pieceBytes, end - size), size);
    if (bytesRead === 0) break;
    const read = piece.subarray(0, bytesRead);
    await take(mask?.push(read) ?? read);
    size += bytesRead;
  }
  // masking keeps the length
  if (mask !== undefined) await take(mask.end());
  return { size, sha256: hash.digest('hex') };
}

async function copyOf(handle: FileHandle, request: OpenRequest): Promise<OpenedArtifact> {
  const { file } = request;
  const place = join(request.scratchDirectory, `artifact-${file.device}-${file.inode}.copy`);
  await rm(place, { force: true });
  const copy = await open(place, 'wx+', 0o600);
  try {
    const before = await stampOf(handle);
    const digest = await digestOf(handle, request, copy);
    const unstable = before !== (await stampOf(handle));
    return {
      ...digest,
      unstable,
      stream: (from) => pieces({ handle: copy, from, size: digest.size, path: file.path }),
      close: async () => {
        await copy.close();
        await rm(place, { force: true });
      },
    };
  } catch (error) {
    await copy.close();
    await rm(place, { force: true });
    throw error;
  }
}

function stable(opened: {
  readonly handle: FileHandle;
  readonly digest: Digest;
  readonly stamp: string;
  readonly file: ArtifactFile;
}): OpenedArtifact {
  const { handle, digest, stamp, file } = opened;
  const check = async () => {
    if ((await stampOf(handle)) !== stamp) throw changed(file.path);
  };
  return {
    ...digest,
    unstable: false,
    stream: (from) => pieces({ handle, from, size: digest.size, path: file.path, check }),
    close: () => handle.close(),
  };
}

/**
 * Yields exactly the declared bytes, in one buffer again and again; the last piece only after the file was found unchanged.
 */
async function* pieces(source: {
  readonly handle: FileHandle;
  readonly from: number;
  readonly size: number;
  readonly path: string;
  readonly check?: () => Promise<void>;
}): AsyncGenerator<Uint8Array> {
  let offset = source.from;
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(0, source.size - offset)));
  while (offset < source.size) {
    const length = Math.min(piece.length, source.size - offset);
    const { bytesRead } = await source.handle.read(piece, 0, length, offset);
    if (bytesRead === 0) throw changed(source.path);
    offset += bytesRead;
    if (offset >= source.size) await source.check?.();
    yield piece.subarray(0, bytesRead);
  }
}

async function stampOf(handle: FileHandle): Promise<string> {
  const stat = await handle.stat({ bigint: true });
  // Not the time of the last status change: removing the file, or a new name for it, does not change its bytes.
  return `${stat.size}:${stat.mtimeNs}`;
}

function refused(file: ArtifactFile, why: string, cause?: unknown): InputError {
  return new InputError('KERUTA_ERR_ARTIFACT_REFUSED', `artifact ${file.path} is not taken: ${why}`, {
    cause,
  });
}

function tooLarge(request: OpenRequest): InputError {
  return new InputError(
    'KERUTA_ERR_ARTIFACT_TOO_LARGE',
    `artifact ${request.file.path} grew over the limit of ${request.maxBytes} bytes`,
  );
}

function changed(path: string): InputError {
  return new InputError('KERUTA_ERR_ARTIFACT_DIGEST', `artifact ${path} changed while it was sent`);
}
