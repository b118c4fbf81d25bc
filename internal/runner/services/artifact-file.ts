/** A file that becomes an artifact. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../domain/errors.ts';

/** A file that is open. What is appended meanwhile is not part of it. */
export interface ArtifactFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  /** its bytes from the start, each time */
  bytes(): AsyncIterable<Uint8Array>;
}

/**
 * Opens a regular file; a link is not followed, a pipe not waited for.
 * @throws {InputError} KERUTA_ERR_ARTIFACT_REFUSED
 */
export async function openArtifact(file: string): Promise<ArtifactFile> {
  const refuse = (why: string, cause?: unknown) =>
    new InputError('KERUTA_ERR_ARTIFACT_REFUSED', `${file} cannot be an artifact: ${why}`, { cause });
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ELOOP' ? 'it is a link' : `it cannot be opened (${error.code ?? 'unknown'})`;
    throw refuse(why, error);
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw refuse('it is not a regular file');
  }
  const bytes = async function* () {
    for (let at = 0; at < stat.size; ) {
      const buffer = Buffer.alloc(Math.min(pieceBytes, stat.size - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw refuse(`it became shorter than its ${stat.size} bytes while it was read`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  };
  return { handle, sizeBytes: stat.size, bytes };
}

const pieceBytes = 256 * 1024;
