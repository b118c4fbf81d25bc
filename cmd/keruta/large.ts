/** The whole command line; loaded only when the small entry cannot do it. */
import { makeProcessParts } from './process-context.ts';
import { runCli } from './run-cli.ts';

/** Does a command line. @returns the exit status */
export function runLarge(argv: readonly string[]): Promise<number> {
  return runCli(argv, makeProcessParts());
}
