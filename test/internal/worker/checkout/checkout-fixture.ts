import { join } from 'node:path';
import {
  type CheckedOut,
  type CheckoutParts,
  type CheckoutRequest,
  checkout,
} from '../../../../internal/worker/checkout/checkout.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { type Log, silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

/** A place for one clone, and a short way to check out into it. */
export interface Desk {
  readonly base: string;
  readonly directory: string;
  readonly parts: CheckoutParts;
  checkout(repositoryUrl: string, more?: Partial<CheckoutRequest>): Promise<CheckedOut>;
}

/** Makes a desk in a new directory; local repositories are allowed. */
export function makeDesk(parts: Partial<CheckoutParts> = {}, log: Log = silentLog): Desk {
  const base = temporaryDirectory('desk');
  const directory = join(base, 'clone');
  const all: CheckoutParts = {
    clock: systemClock,
    random: systemRandom,
    log,
    environment: { PATH: process.env.PATH },
    privateDirectory: join(base, 'private'),
    ...parts,
  };
  return {
    base,
    directory,
    parts: all,
    checkout: (repositoryUrl, more = {}) =>
      checkout(all, {
        repositoryUrl,
        ref: 'main',
        directory,
        taskId: 'task-1',
        allowLocalGit: true,
        trustWorkingDir: false,
        credentials: 'none',
        timeoutMs: 30_000,
        ...more,
      }),
  };
}
