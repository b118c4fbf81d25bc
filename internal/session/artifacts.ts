import { createHash } from 'node:crypto';
import { InputError, NotFoundError, UnavailableError } from '../domain/errors.ts';
import type { Artifact } from '../domain/records.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { baseName } from './artifact-name.ts';
import { visibleTask } from './authorize.ts';
import { tell } from './events.ts';
import { attemptFor, fence, type HeldTask, onTask } from './fence.ts';
import type { Caller, SessionParts } from './parts.ts';
import { toArtifactWire } from './wire.ts';

/** Largest artifact when the operator does not say otherwise; bytes. */
export const defaultMaxArtifactBytes = 100 * 1024 * 1024;

/** What is said about a file beside its bytes. */
export interface ArtifactAbout {
  readonly caller: Caller;
  readonly taskId: string;
  /** 0 = the task's newest; others are fenced */
  readonly attempt: number;
  /** as `readPath` or `readFileName` made it */
  readonly path: string;
  readonly contentType: string;
  readonly description: string;
  readonly unstable: boolean;
}

/** Where the bytes of an artifact rest. */
export function artifactKey(taskId: string, id: string): string {
  return `${taskId}/artifacts/${id}`;
}

/** The limit for one artifact; bytes. */
export function maxArtifactBytes(parts: SessionParts): number {
  return parts.maxArtifactBytes ?? defaultMaxArtifactBytes;
}

/** A file on its way in. */
export interface IncomingFile {
  readonly caller: Caller;
  readonly taskId: string;
  /** for messages only */
  readonly filename: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * What is said about it, asked for behind its bytes, because a form may say it there.
   * `sha256`: what the sender declares, lower-case hex; null = nothing
   */
  readonly about: () => Promise<
    Omit<ArtifactAbout, 'caller' | 'taskId'> & { readonly sha256: string | null }
  >;
}

/**
 * Stores a file of a task. Its digest is taken while it passes. The same path with the same bytes from the same attempt
 * is the same artifact; other bytes make another one beside it. Nothing stays of a file that is refused.
 *
 * @throws {InputError} KERUTA_ERR_ARTIFACT_TOO_LARGE, KERUTA_ERR_ARTIFACT_DIGEST
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function addArtifact(parts: SessionParts, file: IncomingFile): Promise<Artifact> {
  const { caller, filename } = file;
  const task = await visibleTask(parts.store, caller, file.taskId);
  const id = parts.random.uuid7(await parts.store.now());
  const key = artifactKey(task.id, id);
  const hash = createHash('sha256');
  let size = 0;
  async function* hashed(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of file.bytes) {
      size += chunk.length;
      refuseSize(parts, filename, size);
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await parts.blob.append(key, 0, hashed());
    const sha256 = hash.digest('hex');
    const about = await file.about();
    if (about.sha256 !== null && about.sha256 !== sha256) throw wrongDigest(about.path, about.sha256, sha256);
    const artifact = await recordArtifact(parts, { ...about, caller, taskId: task.id, id, size, sha256 });
    if (artifact.id !== id) await parts.blob.delete(key);
    return artifact;
  } catch (error) {
    // When the store did not answer, the row may be there all the same, and needs its bytes.
    if (!(error instanceof UnavailableError)) await parts.blob.delete(key);
    throw error;
  }
}

/** Makes the row of an artifact whose bytes rest under `id`; @returns the one that was there, if there was. */
export function recordArtifact(
  parts: SessionParts,
  file: ArtifactAbout & { readonly id: string; readonly size: number; readonly sha256: string },
): Promise<Artifact> {
  return onTask(parts, file, async (tx, held) => {
    const number = numberOf(file, held);
    const known = await knownArtifact(tx, { ...file, attempt: number });
    if (known) return known;
    await checkAttempt(tx, file, held);
    const { id, path, size, sha256, contentType, description, unstable } = file;
    const artifact: Artifact = {
      ...{ id, taskId: held.task.id, attempt: number, name: baseName(path), path, size, sha256 },
      ...{ contentType, description, unstable, createdAt: held.now },
    };
    await tx.putArtifact(artifact);
    await tx.putMeta(contentName(artifact), artifact.id, { taskId: held.task.id });
    await tell(tx, {
      sessionId: held.task.sessionId,
      taskId: held.task.id,
      type: 'artifact',
      data: toArtifactWire(artifact),
      at: held.now,
    });
    return artifact;
  });
}

/** Finds the artifact with this path and these bytes; null when there is none. */
export async function knownArtifact(
  reads: Reads,
  content: Pick<Artifact, 'taskId' | 'attempt' | 'path' | 'sha256'>,
): Promise<Artifact | null> {
  const id = await reads.meta(contentName(content));
  return id === null ? null : reads.artifact(id);
}

/** The attempt a file belongs to. */
export function numberOf(
  file: Pick<ArtifactAbout, 'attempt' | 'caller'>,
  { task }: Pick<HeldTask, 'task'>,
): number {
  return file.attempt || file.caller.attempt || task.attempt;
}

/** The fence, for files that name an attempt, and for tokens of runs. */
export async function checkAttempt(
  reads: Reads,
  file: ArtifactAbout,
  { task }: Pick<HeldTask, 'task'>,
): Promise<void> {
  const number = file.attempt || file.caller.attempt;
  if (number) fence(task, await attemptFor(reads, { ...file, number }, task));
}

/** The artifacts of a task, oldest first. */
export async function listArtifacts(
  parts: SessionParts,
  caller: Caller,
  taskId: string,
): Promise<Artifact[]> {
  const task = await visibleTask(parts.store, caller, taskId);
  return parts.store.artifacts(task.id);
}

/** One artifact of a task. @throws {NotFoundError} KERUTA_ERR_ARTIFACT_NOT_FOUND */
export async function showArtifact(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string; readonly artifactId: string },
): Promise<Artifact> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  return findArtifact(parts.store, task.id, ref.artifactId);
}

/** The bytes of an artifact. */
export function readArtifact(parts: SessionParts, artifact: Artifact): AsyncIterable<Uint8Array> {
  return parts.blob.read(artifactKey(artifact.taskId, artifact.id), 0, artifact.size);
}

/** Removes an artifact and its bytes. @throws {NotFoundError} KERUTA_ERR_ARTIFACT_NOT_FOUND, also the second time */
export async function removeArtifact(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string; readonly artifactId: string },
): Promise<void> {
  await onTask(parts, ref, async (tx, { task }) => {
    await findArtifact(tx, task.id, ref.artifactId);
    await tx.deleteArtifact(ref.artifactId);
  });
  await parts.blob.delete(artifactKey(ref.taskId, ref.artifactId));
}

/** @throws {InputError} KERUTA_ERR_ARTIFACT_TOO_LARGE */
export function refuseSize(parts: SessionParts, path: string, size: number): void {
  const limit = maxArtifactBytes(parts);
  if (size <= limit) return;
  throw new InputError(
    'KERUTA_ERR_ARTIFACT_TOO_LARGE',
    `the artifact ${JSON.stringify(path)} is over the limit of ${limit} bytes; make it smaller or raise the limit`,
    { details: { maxBytes: limit } },
  );
}

/** The error for bytes that do not have the digest that was declared. */
export function wrongDigest(path: string, declared: string, came: string): InputError {
  return new InputError(
    'KERUTA_ERR_ARTIFACT_DIGEST',
    `the bytes of ${JSON.stringify(path)} have the SHA-256 ${came}, declared was ${declared}; send the file again`,
  );
}

async function findArtifact(reads: Reads | Transaction, taskId: string, id: string): Promise<Artifact> {
  const artifact = await reads.artifact(id);
  if (artifact?.taskId === taskId) return artifact;
  throw new NotFoundError(
    'KERUTA_ERR_ARTIFACT_NOT_FOUND',
    `task ${taskId} has no artifact ${JSON.stringify(id)}`,
  );
}

function contentName(content: Pick<Artifact, 'taskId' | 'attempt' | 'path' | 'sha256'>): string {
  const path = createHash('sha256').update(content.path).digest('hex').slice(0, 32);
  return `artifact:${content.taskId}:${content.attempt}:${path}:${content.sha256}`;
}
