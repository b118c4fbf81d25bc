/** The repository pool of a base directory, as commands and agents of the machine open it. */
import { join } from 'node:path';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import type { RepositoryPool } from '../../../internal/pool/pool.ts';
import type { PoolParts } from '../../../internal/pool/work.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { CommandContext } from '../command.ts';

/** Opens it. Nothing is written until it is asked for something. */
export async function poolOf(
  context: Pick<CommandContext, 'clock' | 'random' | 'log' | 'env'>,
  settings: LoadedSettings,
): Promise<RepositoryPool> {
  const { openPool } = await import('../../../internal/pool/open-pool.ts');
  return openPool(await poolParts(context, settings));
}

/** What it is made of. */
export async function poolParts(
  { clock, random, log, env }: Pick<CommandContext, 'clock' | 'random' | 'log' | 'env'>,
  { values }: LoadedSettings,
): Promise<PoolParts> {
  const { gitToken } = await import('../../../internal/pool/flow/git-token.ts');
  const { createGit } = await import('../../../pkg/git/git.ts');
  const { identityOf } = await import('../../../pkg/process/process-identity.ts');
  const { pid } = process;
  return {
    directory: join(values.baseDir, 'pool'),
    git: createGit({
      environment: env,
      credentials: 'inherit',
      allowLocal: values.allowLocalGit,
      privateDirectory: join(values.baseDir, 'git'),
    }),
    clock,
    random,
    log,
    holder: identityOf(pid) ?? { pid, startTicks: null, bootId: '' },
    credentials: gitToken(env),
    timeoutMs: values.gitTimeout,
  };
}

/** The pool for a command of a person, who is told by its answer: what the pool logs is for `--verbose`. */
export function personsPool(context: CommandContext, settings: LoadedSettings): Promise<RepositoryPool> {
  const { log } = context;
  const quiet: Log = {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.debug(message, fields),
    warn: (message, fields) => log.debug(message, fields),
    error: (message, fields) => log.error(message, fields),
    with: () => quiet,
  };
  return poolOf({ ...context, log: quiet }, settings);
}
