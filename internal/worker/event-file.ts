import { join } from 'node:path';
import { writeJsonFile } from '../../pkg/files/json-file.ts';
import { persist } from './retry.ts';
import type { Scene } from './scene.ts';
import type { TaskParts } from './task-parts.ts';

/**
 * Fetches what fired the task into `<run>/event.json` (0600), where the script reads it: text from outside never becomes
 * part of a script. Tried again as long as the claim holds.
 *
 * @returns the path; null when no trigger fired the task, or the server does not tell of it
 */
export async function writeEventFile(parts: TaskParts, scene: Scene): Promise<string | null> {
  if (scene.record.environment.KERUTA_TRIGGER === undefined) return null;
  const event = await persist(parts, 'fetching what fired the task', {
    signal: AbortSignal.any([scene.preparing, scene.life]),
    run: (signal) => scene.reporter.event(signal),
  });
  if (event === null) return null;
  const file = join(scene.directory, 'event.json');
  writeJsonFile(file, event, { isPlain: true });
  return file;
}
