import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../../pkg/docker/engine.ts';
import { runFile } from '../shim/run-files.ts';
import { label } from './container-name.ts';

/** Whose containers are looked through. */
export interface OrphanSearch {
  readonly engine: Engine;
  readonly baseDirectory: string;
  /** what this process writes on the containers that it makes for a look at an image */
  readonly look: string;
}

/**
 * Removes what agents of a base directory left in the engine: containers whose run directory is gone, running or not, and
 * those that were made for a look. Containers of others are never touched.
 * @returns how many were removed
 */
export async function removeOrphans({ engine, baseDirectory, look }: OrphanSearch): Promise<number> {
  const ours = await engine.list(label.agent, baseDirectory);
  const orphans = ours.filter(({ labels }) => {
    const looker = labels[label.look];
    if (looker !== undefined) return looker !== look;
    // one whose run was not brought to its end yet still knows how that was; it is removed then
    return !existsSync(join(labels[label.directory] ?? '', runFile.spec));
  });
  for (const { id } of orphans) await engine.remove(id);
  return orphans.length;
}
