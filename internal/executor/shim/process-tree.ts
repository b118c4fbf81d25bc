/** The processes of a run, as /proc shows them, whatever its shim runs in. */
import { join } from 'node:path';
import { fileKey, type ProcessStat } from '../../../pkg/process/proc.ts';
import { runFile } from './run-files.ts';

/** The live processes of a run. */
export interface RunProcesses {
  /** the script and all that came from it */
  readonly scripts: readonly ProcessStat[];
  /** the shim, and what it needs to keep the output */
  readonly keepers: readonly ProcessStat[];
}

/** Name of the environment marker. */
export const marker = 'KERUTA_RUN_ID';

/** What names the FIFOs of a run. */
export function pipeKeys(directory: string): { output: ReadonlySet<string>; all: ReadonlySet<string> } {
  const key = (name: string) => fileKey(join(directory, runFile.pipes, name));
  const output = [key('stdout'), key('stderr')].filter((found) => found !== null);
  const input = [key('stdin'), key('hold')].filter((found) => found !== null);
  return { output: new Set(output), all: new Set([...output, ...input]) };
}
