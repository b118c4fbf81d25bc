import { KerutaError } from '../domain/errors.ts';
import { openArtifact } from './artifacts/open.ts';
import type { ArtifactFile } from './artifacts/scan.ts';
import { persist } from './retry.ts';
import type { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';

/** One file that is on the server. */
export interface SentArtifact {
  readonly path: string;
  /** lower-case hex */
  readonly sha256: string;
}

/**
 * Sends one file, with the size and digest of exactly the bytes that are sent. One that is changed meanwhile is sent from
 * a copy. Of a task of kind `agent` known secrets are masked in it.
 * @throws {InputError} KERUTA_ERR_ARTIFACT_REFUSED, KERUTA_ERR_ARTIFACT_TOO_LARGE; what the server refuses
 */
export async function sendArtifact(
  parts: TaskParts,
  scene: Scene,
  artifact: { readonly file: ArtifactFile; readonly description: string },
): Promise<SentArtifact> {
  try {
    return await sendOnce(parts, scene, { ...artifact, copy: false });
  } catch (error) {
    if (!(error instanceof KerutaError && error.code === 'KERUTA_ERR_ARTIFACT_DIGEST')) throw error;
    return sendOnce(parts, scene, { ...artifact, copy: true });
  }
}

async function sendOnce(
  parts: TaskParts,
  scene: Scene,
  artifact: { readonly file: ArtifactFile; readonly description: string; readonly copy: boolean },
): Promise<SentArtifact> {
  const { file, description, copy } = artifact;
  const maxBytes = parts.options.artifacts.maxFileBytes;
  // what a coding agent leaves behind is nobody's wish: it may hold whatever it came upon
  const mask = scene.record.task.kind === 'agent' ? { mask: scene.masking.file() } : {};
  const opened = await openArtifact({ file, scratchDirectory: scene.directory, maxBytes, copy, ...mask });
  try {
    const { path, contentType } = file;
    const { size, sha256, unstable } = opened;
    const source = {
      path,
      size,
      sha256,
      contentType,
      description,
      unstable,
      open: (offset: number) => opened.stream(offset),
    };
    await persist(parts, `sending the artifact ${path}`, {
      signal: scene.life,
      run: (signal) => scene.reporter.uploadArtifact(source, signal),
    });
    return { path, sha256 };
  } finally {
    await opened.close();
  }
}
