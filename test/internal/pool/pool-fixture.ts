import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openPool } from '../../../internal/pool/open-pool.ts';
import type { RepositoryPool, Slot } from '../../../internal/pool/pool.ts';
import type { PoolParts } from '../../../internal/pool/work.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { createGit, type GitParts } from '../../../pkg/git/git.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { runProcess } from '../../../pkg/process/run.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { git, temporaryDirectory } from '../../fixtures/git.ts';

// many small processes of git: slow where everything else is busy too
vi.setConfig({ testTimeout: 90_000 });

/** A pool in a directory of its own. */
export interface PoolUnderTest {
  readonly pool: RepositoryPool;
  readonly parts: PoolParts;
  readonly directory: string;
  /** first words of every git that talked to a remote: `fetch`, `ls-remote`, `push` */
  readonly asked: string[];
  /** what the pool said, level and message */
  readonly said: string[];
  /** Another pool of the same directory, in the name of another process. */
  as(change: Partial<PoolParts>): RepositoryPool;
}

const limits = { timeoutMs: 60_000 };

/** Opens a pool; local repositories are allowed. */
export function makePool(
  change: Partial<Omit<PoolParts, 'git'>> & { readonly git?: Partial<GitParts> } = {},
): PoolUnderTest {
  const base = temporaryDirectory('pool');
  const asked: string[] = [];
  const said: string[] = [];
  const { git: gitChange = {}, ...partsChange } = change;
  const run = gitChange.run ?? runProcess;
  const parts: PoolParts = {
    directory: join(base, 'pool'),
    git: createGit({
      environment: { PATH: process.env.PATH },
      credentials: 'none',
      allowLocal: true,
      privateDirectory: join(base, 'git'),
      ...gitChange,
      run: (call) => {
        const word = call.args.find((arg) => ['fetch', 'ls-remote', 'push'].includes(arg));
        if (word !== undefined) asked.push(word);
        return run(call);
      },
    }),
    clock: systemClock,
    random: systemRandom,
    log: logInto(said),
    holder: selfIdentity(),
    ...partsChange,
  };
  return {
    pool: openPool(parts),
    parts,
    directory: parts.directory,
    asked,
    said,
    as: (more) => openPool({ ...parts, ...more }),
  };
}

function logInto(lines: string[]): Log {
  const add = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log: Log = { ...silentLog, warn: add('warn'), error: add('error'), with: () => log };
  return log;
}

/** This process. */
export function selfIdentity(): PoolParts['holder'] {
  const identity = identityOf(process.pid);
  if (identity === null) throw new Error('this process is not there');
  return identity;
}

/** A process that has ended. */
export const deadIdentity: PoolParts['holder'] = { ...selfIdentity(), pid: 2 ** 22 - 3, startTicks: 1 };

/** A bare repository with what another one has, for pushes. */
export function makeRemote(repository: string): string {
  const directory = join(temporaryDirectory('remote'), 'app.git');
  git(repository, 'clone', '--quiet', '--bare', repository, directory);
  return directory;
}

/** Whether git takes a work tree for clean. */
export function statusOf(directory: string): string {
  return git(directory, 'status', '--porcelain', '--untracked-files=all');
}

/** The text of a file in a commit. */
export function fileAt(repository: string, commit: string, path: string): string {
  return execFileSync('git', ['--git-dir', repository, 'show', `${commit}:${path}`], { encoding: 'utf8' });
}

/** Every object that a ref leads to is there. */
export function fsck(repository: string): void {
  execFileSync('git', ['--git-dir', repository, 'fsck', '--connectivity-only', '--no-dangling'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Allocates for somebody. */
export function allocate(pool: RepositoryPool, url: string, requiredBy = 'task one'): Promise<Slot> {
  return pool.allocate({ url, requiredBy, ...limits });
}
