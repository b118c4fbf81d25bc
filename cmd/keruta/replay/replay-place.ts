/** A directory of its own for a task that is run again. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConflictError } from '../../../internal/domain/errors.ts';
import { checkout } from '../../../internal/worker/checkout/checkout.ts';
import { removeTree } from '../../../internal/worker/remove-tree.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import type { CommandContext } from '../command.ts';
import type { KnownTask } from './known-task.ts';

/** Where it runs. */
export interface ReplayPlace {
  /** the clone, or an empty directory; absolute */
  readonly directory: string;
  /** what keruta needs beside it; absolute, gone at the end */
  readonly scratch: string;
  /** Removes the scratch, and the clone unless the person named its place. */
  clear(): void;
}

/** Makes the directories. @throws {ConflictError} KERUTA_ERR_DIRECTORY: the place that was named holds something */
export function makeReplayPlace(context: CommandContext, at: string | null): ReplayPlace {
  const named = at === null ? null : resolve(context.cwd, at);
  if (named !== null && existsSync(named) && readdirSync(named).length > 0)
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `--at: expected a new or empty directory, got ${named}, which holds files`,
    );
  const scratch = mkdtempSync(join(tmpdir(), 'keruta-replay-'));
  const directory = named ?? join(scratch, 'work');
  mkdirSync(directory, { recursive: true });
  return { directory, scratch, clear: () => removeTree(scratch) };
}

/** The address of the task's repository; null: it has none. */
export function repositoryOf({ session }: KnownTask): string | null {
  return session.repositoryUrl ?? session.templateConfig?.repositoryUrl ?? null;
}

/** What is checked out. */
export interface ReplayRef {
  readonly url: string;
  /** a commit where it is known, else the ref as it is now */
  readonly ref: string;
  readonly refIsDefault: boolean;
}

/** Brings the repository into the place. @returns the commit @throws the errors of `checkout` */
export async function bringRepository(
  context: CommandContext,
  { directory }: ReplayPlace,
  { taskId, url, ref, refIsDefault }: ReplayRef & { readonly taskId: string },
): Promise<string> {
  const { values } = await context.settings();
  const { clock, random, env, signal } = context;
  const { commit } = await checkout(
    { clock, random, log: silentLog, environment: env, privateDirectory: join(values.baseDir, 'git') },
    {
      ...{ repositoryUrl: url, ref, refIsDefault, directory, taskId, signal },
      ...{ allowLocalGit: values.allowLocalGit, trustWorkingDir: false, credentials: 'inherit' },
      timeoutMs: values.gitTimeout,
    },
  );
  return commit;
}
