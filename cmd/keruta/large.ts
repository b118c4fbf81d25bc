/** The whole command line; loaded only when the small entry cannot do it. */
import { makeProcessParts } from './process-context.ts';
import { armFailpoints } from './roles/failpoints.ts';
import { runCli } from './run-cli.ts';

/** Loads what long-lived roles and commands with a client need, so that the build can keep it compiled. Does nothing else. */
export async function loadRoles(): Promise<void> {
  await Promise.all([
    import('./client.ts'),
    import('./roles/start-agent.ts'),
    import('./roles/start-server.ts'),
    import('../../internal/api/discovery.ts'),
  ]);
}

/** Does a command line. @returns the exit status */
export function runLarge(argv: readonly string[]): Promise<number> {
  armFailpoints();
  return runCli(argv, makeProcessParts());
}
