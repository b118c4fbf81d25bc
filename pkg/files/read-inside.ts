/** Reads files of a directory that others fill, and nothing outside of it. */
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** What is read. */
export interface ReadInside {
  /** real path of the directory: no link on the way to it */
  readonly root: string;
  /** relative to it */
  readonly path: string;
  readonly maxBytes: number;
}

/** A file was there and is not read; the message says why, as the end of a sentence that begins with the file. */
export class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError';
}

/**
 * Reads a regular file as UTF-8. Links are followed as long as they stay inside; devices, pipes and sockets are neither waited for nor
 * read.
 * @throws {FileRefusedError} it leads outside, is not a regular file, is over the limit or is not UTF-8; or cannot be read: then
 *   with `cause`
 */
export async function readInside({ root, path, maxBytes }: ReadInside): Promise<string> {
  const real = await realpath(join(root, path)).catch(cannotBeRead);
  if (!isInside(real, root)) throw new FileRefusedError('is a link out of its directory');
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(real, flags).catch(cannotBeRead);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new FileRefusedError('is not a regular file');
    // a directory on the way may have become a link meanwhile
    const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => real);
    if (!isInside(place, root)) throw new FileRefusedError('is a link out of its directory');
    if (stat.size > maxBytes)
      throw new FileRefusedError(`has ${stat.size} bytes; expected at most ${maxBytes}`);
    return textOf(await readAll(handle, maxBytes));
  } finally {
    await handle.close();
  }
}

/** Whether a real path is below a real directory, or is it. */
export function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** Reads no further than the limit: a file may grow while it is read. */
async function readAll(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1);
  let end = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, end, buffer.length - end, end).catch(cannotBeRead);
    end += bytesRead;
    if (end > maxBytes) throw new FileRefusedError(`grew over ${maxBytes} bytes while it was read`);
    if (bytesRead === 0) return buffer.subarray(0, end);
  }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FileRefusedError('is not UTF-8 text', { cause });
  }
}

function cannotBeRead(cause: NodeJS.ErrnoException): never {
  throw new FileRefusedError(`cannot be read (${cause.code ?? cause.message})`, { cause });
}
