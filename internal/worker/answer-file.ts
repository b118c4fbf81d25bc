import { join } from 'node:path';
import { writeJsonFile } from '../../pkg/files/json-file.ts';
import { makeDirectory } from './make-directory.ts';

/**
 * Leaves the answer to a question where `keruta ask` waits for it: `<run>/answers/<key>.json` with `{answer}`, whole
 * from the moment it is there, 0600. The same again changes nothing.
 */
export function writeAnswer(directory: string, key: string, answer: string): void {
  makeDirectory(directory);
  writeJsonFile(join(directory, `${key}.json`), { answer }, { isPlain: true });
}
