/** What the first process of a container does: takes the environment, then is the shim. */
import { join } from 'node:path';
import type { PreparedScript } from '../shim/interpreter.ts';
import { runFile } from '../shim/run-files.ts';
import { shimScript } from '../shim/shim-script.ts';
import type { ShimPrograms } from './image-programs.ts';

/** What is put together. */
export interface CommandParts {
  readonly programs: ShimPrograms;
  /** file mode mask that the script gets */
  readonly umask: number;
  /** of the run; absolute */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly input: 'none' | 'wait';
  readonly interpreter: PreparedScript['interpreter'];
}

/**
 * The environment is read from a file that is emptied at once: whoever comes second finds none, and runs nothing. A shell
 * that cannot read it ends here, and the start says so.
 */
const takeEnvironment = `umask 077
. ./${runFile.environment} || exit 120
[ "$k_environment" ] || exit 120
: >${runFile.environment} || exit 120
unset k_environment
`;

/** Text of the file that the container's shell runs: a file, because a shell is more talkative about text in its arguments. */
export const containerShim = takeEnvironment + shimScript;

/** Program and arguments of a run's container; its working directory is that of the run. */
export function containerCommand(parts: CommandParts): readonly string[] {
  const { shell, cat, sleep, mkfifo } = parts.programs;
  const mask = parts.umask.toString(8).padStart(4, '0');
  const { directory, workingDirectory, input, interpreter } = parts;
  const own = [join(directory, runFile.containerShim), 'run', cat, sleep, mkfifo, mask];
  return [...shell, ...own, workingDirectory, input, ...interpreter, join(directory, runFile.script)];
}
