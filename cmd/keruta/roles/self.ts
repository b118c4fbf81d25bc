/** How this very program is started again. */
import { isSea } from 'node:sea';

/** The command that starts this program: the executable alone, or node with the script that runs now. */
export function selfCommand(): readonly [string, ...string[]] {
  if (isSea()) return [process.execPath];
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}
