/**
 * Uploads that can be resumed. What was declared is kept under an id that is made of it, so the same wish finds its
 * upload again; the bytes rest where the artifact will have them, and become visible with its row.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { UploadAnswer, uploadRequest } from '../api/protocol.ts';
import { ConflictError, InputError, NotFoundError } from '../domain/errors.ts';
import type { Artifact } from '../domain/records.ts';
import { readPath } from './artifact-name.ts';
import {
  type ArtifactAbout,
  artifactKey,
  checkAttempt,
  knownArtifact,
  numberOf,
  recordArtifact,
  refuseSize,
  wrongDigest,
} from './artifacts.ts';
import { visibleTask } from './authorize.ts';
import { onTask } from './fence.ts';
import { measure } from './measure.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { Caller, SessionParts } from './parts.ts';

/** What was declared when an upload began. */
interface Upload extends Omit<ArtifactAbout, 'caller'> {
  readonly artifactId: string;
  readonly size: number;
  readonly sha256: string;
}

/** One upload, and who sends it. */
export interface UploadRef {
  readonly caller: Caller;
  readonly taskId: string;
  readonly uploadId: string;
}

/**
 * Begins an upload, or finds the one that was begun with the same declaration. An artifact with this path and digest
 * that is already there ends it at once; so does an upload whose bytes are all here.
 *
 * @throws {InputError} KERUTA_ERR_ARTIFACT_TOO_LARGE, KERUTA_ERR_ARTIFACT_REFUSED
 */
export async function beginUpload(
  parts: SessionParts,
  wish: {
    readonly caller: Caller;
    readonly taskId: string;
    readonly request: z.output<typeof uploadRequest>;
  },
): Promise<UploadAnswer> {
  const path = readPath(wish.request.path);
  refuseSize(parts, path, wish.request.size);
  const { known, uploadId, upload } = await onTask(parts, wish, async (tx, held) => {
    const attempt = numberOf({ ...wish.request, caller: wish.caller }, held);
    const declared = { ...wish.request, path, attempt, taskId: held.task.id };
    const id = idOf(declared);
    const before = await tx.meta(`upload:${id}`);
    const artifact = await knownArtifact(tx, declared);
    const artifactId = before ? (JSON.parse(before) as Upload).artifactId : parts.random.uuid7(held.now);
    const row: Upload = { ...declared, artifactId };
    if (!artifact) {
      await checkAttempt(tx, { ...declared, attempt: wish.request.attempt, caller: wish.caller }, held);
      await tx.putMeta(`upload:${id}`, JSON.stringify(row), { taskId: held.task.id });
    }
    return { known: artifact, uploadId: id, upload: row };
  });
  if (known) return { uploadId, offset: known.size, artifactId: known.id };
  const offset = await parts.blob.size(artifactKey(upload.taskId, upload.artifactId));
  if (offset !== upload.size) return { uploadId, offset, artifactId: null };
  const whole = await complete(parts, { ...wish, uploadId }, upload);
  return { uploadId, offset, artifactId: whole.id };
}

/** Tells where the next bytes of an upload go. @throws {NotFoundError} KERUTA_ERR_NOT_FOUND */
export async function uploadOffset(parts: SessionParts, ref: UploadRef): Promise<number> {
  const upload = await findUpload(parts, ref);
  return parts.blob.size(artifactKey(upload.taskId, upload.artifactId));
}

/**
 * Appends bytes to an upload; what arrived of a body that was cut is kept. The bytes that make it whole make the
 * artifact; bytes behind that, e.g. the last ones again, change nothing.
 *
 * @returns the new end, and the artifact once it is whole
 * @throws {ConflictError} KERUTA_ERR_OFFSET_MISMATCH with `details.offset`
 * @throws {InputError} KERUTA_ERR_ARTIFACT_DIGEST for too many bytes or other ones than declared: begin again at 0
 */
export async function appendUpload(
  parts: SessionParts,
  append: UploadRef & { readonly offset: number; readonly bytes: AsyncIterable<Uint8Array> },
): Promise<{ readonly offset: number; readonly artifact: Artifact | null }> {
  const upload = await findUpload(parts, append);
  const key = artifactKey(upload.taskId, upload.artifactId);
  return oneAtATime(parts.blob, key, async () => {
    const known = await knownArtifact(parts.store, upload);
    if (known) return { offset: known.size, artifact: known };
    const measured = measure(append.bytes, 0);
    const result = await parts.blob.append(
      key,
      append.offset,
      bounded(measured.bytes, upload, append.offset),
    );
    if (!result.ok) throw mismatch(upload, append.offset, result.size);
    if (measured.failure) throw measured.failure.cause;
    if (result.size < upload.size) return { offset: result.size, artifact: null };
    return { offset: result.size, artifact: await complete(parts, append, upload) };
  });
}

async function findUpload(parts: SessionParts, { caller, taskId, uploadId }: UploadRef): Promise<Upload> {
  const task = await visibleTask(parts.store, caller, taskId);
  const text = await parts.store.meta(`upload:${uploadId}`);
  const upload = text === null ? null : (JSON.parse(text) as Upload);
  if (upload?.taskId === task.id) return upload;
  throw new NotFoundError(
    'KERUTA_ERR_NOT_FOUND',
    `task ${taskId} has no upload ${JSON.stringify(uploadId.slice(0, 80))}; begin it with POST to …/artifacts/uploads`,
  );
}

/** Checks the digest of what is here, and makes the artifact. */
async function complete(parts: SessionParts, ref: UploadRef, upload: Upload): Promise<Artifact> {
  const key = artifactKey(upload.taskId, upload.artifactId);
  const hash = createHash('sha256');
  for await (const chunk of parts.blob.read(key, 0, upload.size)) hash.update(chunk);
  const sha256 = hash.digest('hex');
  if (sha256 !== upload.sha256) {
    await parts.blob.truncate(key, 0);
    throw wrongDigest(upload.path, upload.sha256, sha256);
  }
  return recordArtifact(parts, { ...upload, id: upload.artifactId, caller: ref.caller });
}

/** Lets the declared size pass and not a byte more. */
async function* bounded(
  bytes: AsyncIterable<Uint8Array>,
  upload: Upload,
  offset: number,
): AsyncGenerator<Uint8Array, void, void> {
  let end = offset;
  for await (const chunk of bytes) {
    end += chunk.length;
    if (end > upload.size) {
      throw new InputError(
        'KERUTA_ERR_ARTIFACT_DIGEST',
        `${JSON.stringify(upload.path)} was declared with ${upload.size} bytes, more came; declare its true size`,
      );
    }
    yield chunk;
  }
}

function idOf(upload: Pick<Upload, 'taskId' | 'attempt' | 'path' | 'sha256'>): string {
  const { taskId, attempt, path, sha256 } = upload;
  return createHash('sha256')
    .update(JSON.stringify([taskId, attempt, path, sha256]))
    .digest('hex')
    .slice(0, 32);
}

function mismatch(upload: Upload, offset: number, end: number): ConflictError {
  return new ConflictError(
    'KERUTA_ERR_OFFSET_MISMATCH',
    `the upload of ${JSON.stringify(upload.path)} ends at ${end}, the bytes begin at ${offset}; go on at ${end}`,
    { details: { offset: end } },
  );
}
