import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { ConflictError } from '../domain/errors.ts';
import type { ApiClient } from './client/client.ts';
import type { ArtifactSource } from './task-source.ts';

/** Bytes in one piece of an upload. */
const pieceBytes = 4 * 1024 * 1024;
/** A file of less takes no whole piece; bytes. */
const smallBytes = 64 * 1024;
/** That of the last file that had a whole one: the next file takes it, instead of four more megabytes to be cleared away. */
let spare: Buffer | null = null;
/** How often the server may contradict us about the offset before we give up. */
const maxCorrections = 5;

/**
 * Sends a file in pieces. What the server has already, from an upload that was broken off, is not sent again.
 * @returns the id of the artifact
 * @throws {InputError} KERUTA_ERR_ARTIFACT_DIGEST when the file changed meanwhile
 */
export async function uploadInPieces(
  client: ApiClient,
  target: { readonly taskId: string; readonly attempt: number },
  artifact: ArtifactSource,
  signal?: AbortSignal,
): Promise<string | null> {
  const options = signal ? { signal } : {};
  const { path, size, sha256, contentType, description, unstable } = artifact;
  const begun = await client.artifacts.beginUpload(
    target.taskId,
    { attempt: target.attempt, path, size, sha256, contentType, description, unstable },
    options,
  );
  if (begun.artifactId !== null) return begun.artifactId;
  const upload = { taskId: target.taskId, uploadId: begun.uploadId };

  let offset = begun.offset;
  for (let corrections = 0; ; ) {
    const piece = takePiece(artifact.size - offset);
    try {
      for await (const bytes of piecesOf(artifact, offset, piece)) {
        const answer = await client.artifacts.patchUpload(upload, { offset, bytes }, options);
        failpoint('mid_artifact');
        offset = answer.offset;
        if (answer.artifact === null) continue;
        // not after a fault: what was to be sent may still be held
        if (piece.length === pieceBytes) spare = piece;
        return answer.artifact.id;
      }
      return null;
    } catch (error) {
      const right = offsetIn(error);
      if (right === null || ++corrections > maxCorrections) throw error;
      offset = right;
    }
  }
}

/** Memory for the pieces of a file of which so many bytes are to be sent: of a small one as many, else a whole piece. */
function takePiece(bytes: number): Buffer {
  if (bytes < smallBytes) return Buffer.allocUnsafeSlow(Math.max(0, bytes));
  const piece = spare ?? Buffer.allocUnsafeSlow(pieceBytes);
  spare = null;
  return piece;
}

/** The offset that a KERUTA_ERR_OFFSET_MISMATCH names; null for other errors. */
export function offsetIn(error: unknown): number | null {
  if (!(error instanceof ConflictError) || error.code !== 'KERUTA_ERR_OFFSET_MISMATCH') return null;
  return typeof error.details.offset === 'number' ? error.details.offset : null;
}

/**
 * Regroups what a file gives into pieces; at least one, if an empty one: it is what completes the upload. A piece is good until
 * the next one is asked for, which takes its memory: twenty megabytes on their way would be twenty megabytes more of the agent.
 */
async function* piecesOf(
  artifact: ArtifactSource,
  offset: number,
  piece: Buffer,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  let any = false;
  for await (const chunk of artifact.open(offset)) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + piece.length - size);
      piece.set(part, size);
      from += part.length;
      size += part.length;
      if (size < piece.length) continue;
      yield piece;
      [size, any] = [0, true];
    }
  }
  if (size > 0 || !any) yield piece.subarray(0, size);
}
