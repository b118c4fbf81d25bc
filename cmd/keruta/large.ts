/** The whole command line; loaded only when the small entry cannot do it. */
import { makeProcessParts } from './process-context.ts';
import { armFailpoints } from './roles/failpoints.ts';
import { runCli } from './run-cli.ts';

/** Loads what commands with a client need, so that the build can keep it compiled. Does nothing else. */
export async function loadClient(): Promise<void> {
  await Promise.all([import('./client.ts'), import('../../internal/api/discovery.ts')]);
}

/** As `loadClient`, with what long-lived roles need. */
export async function loadRoles(): Promise<void> {
  await Promise.all([loadClient(), import('./roles/start-agent.ts'), import('./roles/start-server.ts')]);
}

/** Does a command line. @returns the exit status */
export function runLarge(argv: readonly string[]): Promise<number> {
  armFailpoints();
  return runCli(argv, makeProcessParts());
}
