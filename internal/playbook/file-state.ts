import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseInUseError } from '../../pkg/sqlite/errors.ts';
import { holdFile } from '../../pkg/sqlite/file-lock.ts';
import { ConflictError } from '../domain/errors.ts';
import type { RunState } from './run-state.ts';

/** State that this process alone has until it lets go of it, or dies. */
export interface HeldState extends RunState {
  /** Lets go; twice is once. */
  letGo(): void;
}

/**
 * State in a directory, which is made. Its files can be read by their user alone, since outputs may be secret.
 * @throws {ConflictError} KERUTA_ERR_PLAYBOOK_RUNNING when another process runs it
 */
export function fileState(directory: string): HeldState {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'run.jsonl');
  const { letGo } = hold(file, directory);
  return {
    letGo,
    read: () => {
      try {
        return readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
        throw error;
      }
    },
    // the line end in front closes a line that was cut off
    append: (line) => appendFileSync(file, `\n${line}\n`, { mode: 0o600 }),
  };
}

function hold(file: string, directory: string): { readonly letGo: () => void } {
  try {
    return holdFile(file);
  } catch (cause) {
    if (!(cause instanceof DatabaseInUseError)) throw cause;
    const text = `another process runs the playbook whose state is in ${directory}; wait for its end, or begin a new run with another directory`;
    throw new ConflictError('KERUTA_ERR_PLAYBOOK_RUNNING', text, { cause });
  }
}
