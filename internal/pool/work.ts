import { join } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Git, GitLimits } from '../../pkg/git/git.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { gitLivesIn } from '../../pkg/git/locks.ts';
import type { RepositoryCredentials, RepositoryUrl } from '../../pkg/git/repository-url.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { ProcessIdentity } from '../../pkg/process/process-identity.ts';
import type { Random } from '../../pkg/random/random.ts';

/** What a pool is made of. */
export interface PoolParts {
  /** of the whole pool; absolute; made 0700 */
  readonly directory: string;
  readonly git: Git;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** in whose name slots are held: this process */
  readonly holder: ProcessIdentity;
  /** for https addresses that bring none; asked for each call; default: none beyond what `git` may use */
  readonly credentials?: () => RepositoryCredentials | null;
  /** wall time of a call that says none; ms; default 10 min */
  readonly timeoutMs?: number;
  /** most slots of one repository; 1 to 999; default 32 */
  readonly maxSlots?: number;
}

/** What one call carries from step to step. */
export interface Work extends GitLimits {
  readonly parts: PoolParts;
  readonly signal: AbortSignal;
}

/** The limits of a call of git within a piece of work. */
export function limitsOf({ timeoutMs, signal }: Work): GitLimits & { readonly signal: AbortSignal } {
  return { timeoutMs, signal };
}

/**
 * Does a piece of work within its wall time.
 * @throws {GitError} timeout
 */
export async function within<T>(
  parts: PoolParts,
  limits: { readonly what: string; readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  action: (work: Work) => Promise<T>,
): Promise<T> {
  const { what, timeoutMs } = limits;
  const deadline = new AbortController();
  const cancel = parts.clock.after(timeoutMs, () =>
    deadline.abort(new GitError('timeout', `${what} did not end within ${Math.round(timeoutMs / 1000)} s`)),
  );
  const signals = limits.signal === undefined ? [deadline.signal] : [deadline.signal, limits.signal];
  try {
    return await action({ parts, timeoutMs, signal: AbortSignal.any(signals) });
  } finally {
    cancel();
  }
}

/** How often it is looked whether a git of a dead process has ended; ms. */
const pollMs = 100;

/**
 * Waits until no git runs in a directory: one that a killed process left behind goes on for a while.
 * @param longestMs  then it goes on all the same, and git says what is in its way
 */
export async function untilQuiet(work: Work, directory: string, longestMs: number): Promise<void> {
  const { clock } = work.parts;
  const startedAt = clock.monotonicMs();
  while (clock.monotonicMs() - startedAt < longestMs && (await gitLivesIn(directory)))
    await clock.sleep(pollMs, work.signal);
}

/** A name for something that is put aside now, and for nothing else; sorts by time. */
export function stampOf({ clock, random }: Pick<PoolParts, 'clock' | 'random'>): string {
  const at = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${at}-${random.uuid4().slice(0, 8)}`;
}

/** Where the objects of a bare repository are. */
export const objectsOf = (bare: string): string => join(bare, 'objects');

/** The address with what opens it: its own credentials, else those given, else those of the pool. */
export function withCredentials(
  { credentials = () => null }: Pick<PoolParts, 'credentials'>,
  url: RepositoryUrl,
  given?: RepositoryCredentials | null,
): RepositoryUrl {
  if (url.kind !== 'https' || url.credentials !== null) return url;
  return { ...url, credentials: given ?? credentials() };
}
