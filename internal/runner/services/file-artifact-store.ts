/** Keeps artifacts in a directory: the store of a runner that has no other. */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Random } from '../../../pkg/random/random.ts';
import { UnavailableError } from '../../domain/errors.ts';
import type { ArtifactStore } from '../services.ts';
import { openArtifact } from './artifact-file.ts';

/** Where, and what telling files apart takes. */
export interface FileStoreParts {
  /** absolute; made when it is not there, mode 0700 */
  readonly directory: string;
  readonly random: Random;
}

const maxNameChars = 100;

/**
 * Files are `<task>/<type>/<name>`, mode 0600, whole or not there; one of the same name is replaced. A name that a file cannot
 * have is changed, with a piece of its hash, so that two of them stay two.
 * @returns a store whose URIs are `file:` URLs
 */
export function fileArtifactStore({ directory, random }: FileStoreParts): ArtifactStore {
  return {
    upload: async ({ taskId, type, name, file, signal }) => {
      const artifact = await openArtifact(file);
      try {
        const place = join(directory, safeName(taskId), safeName(type));
        const target = join(place, safeName(name));
        const fresh = join(place, `.${random.uuid4()}.new`);
        try {
          await mkdir(place, { recursive: true, mode: 0o700 });
          await write(fresh, artifact.bytes(), signal);
          await rename(fresh, target);
        } catch (error) {
          await rm(fresh, { force: true }).catch(() => {});
          throw diskError(target, error);
        }
        return pathToFileURL(target).href;
      } finally {
        await artifact.handle.close();
      }
    },
  };
}

async function write(file: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const piece of bytes) {
      signal.throwIfAborted();
      await handle.writeFile(piece);
    }
    signal.throwIfAborted();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name of one part that is no hidden one. */
function safeName(name: string): string {
  const safe = name
    .replace(/[^\p{L}\p{N}._ @+=-]/gu, '_')
    .replace(/^[. -]+/, '_')
    .slice(0, maxNameChars);
  const isSame = safe === name && Buffer.byteLength(safe) <= 200 && safe !== '';
  if (isSame) return safe;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${hash}-${safe.replace(/[^\x20-\x7e]/g, '_')}`;
}

function diskError(target: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UnavailableError('KERUTA_ERR_DISK_FULL', `there is no space left to keep ${target}`, {
      cause: error,
    });
  const isOfSystem = /^E[A-Z0-9]+$/.test(String(code));
  if (!isOfSystem) return error;
  const message = `${target} cannot be written (${code}); look at the directory and its owner`;
  return new UnavailableError('KERUTA_ERR_SERVICE', message, { cause: error });
}
