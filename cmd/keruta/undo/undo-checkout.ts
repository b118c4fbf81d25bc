/** Undoes a task in the checkout in which it ran. */
import { ConflictError } from '../../../internal/domain/errors.ts';
import { wrapGitError } from '../../../internal/domain/git-faults.ts';
import { cloneMarker, excludedPatterns } from '../../../internal/domain/git-names.ts';
import { plainTree } from '../../../internal/pool/flow/task-tree.ts';
import { planUndo, type Undone, type UndoPlan, undoTask } from '../../../internal/pool/flow/undo.ts';
import { busyTask } from '../../../internal/worker/checkout/busy.ts';
import { lockCheckout } from '../../../internal/worker/checkout/checkout-lock.ts';
import { recordedAfter } from '../../../internal/worker/checkout/record-found.ts';
import type { Git } from '../../../pkg/git/git.ts';
import { removeStaleLocks } from '../../../pkg/git/locks.ts';
import { inspectPlace, readMarker, tidyClone } from '../../../pkg/git/own-clone.ts';

/** A task in its checkout. */
export interface CheckoutUndo {
  readonly git: Git;
  /** root of the work tree; absolute */
  readonly directory: string;
  readonly taskId: string;
  /** base directory of the agents */
  readonly base: string;
  readonly privateDirectory: string;
  readonly pid: number;
  readonly signal: AbortSignal;
}

/** What would be undone. */
export interface CheckoutPlan extends UndoPlan {
  /** tasks that came after it: what they did goes too */
  readonly later: readonly string[];
}

const limitMs = 600_000;

/**
 * Looks what an undo would do; null: nothing is recorded.
 * @throws {ConflictError} KERUTA_ERR_CHECKOUT_IN_USE; the errors of git
 */
export function planCheckoutUndo(undo: CheckoutUndo): Promise<CheckoutPlan | null> {
  return alone(undo, async () => {
    const plan = await planUndo(callOf(undo));
    return plan && { ...plan, later: recordedAfter(undo.directory, undo.taskId) };
  });
}

/**
 * Does it.
 * @param seen  what the person has seen: when the tree is another by now, nothing is done
 * @throws {ConflictError} KERUTA_ERR_CHECKOUT_IN_USE; the errors of git
 */
export function doCheckoutUndo(undo: CheckoutUndo, seen: UndoPlan): Promise<Undone> {
  return alone(undo, async () => {
    const now = await planUndo(callOf(undo));
    const told = ({ now: where, files, commits }: UndoPlan) => JSON.stringify([where, files, commits]);
    if (now === null || told(now) !== told(seen))
      throw new ConflictError(
        'KERUTA_ERR_CHECKOUT_IN_USE',
        `${undo.directory} was changed meanwhile; nothing was undone. Look at it, and say it again`,
      );
    return undoTask(callOf(undo));
  });
}

function callOf({ git, directory, taskId, signal }: CheckoutUndo) {
  return { tree: plainTree(git, directory), taskId, timeoutMs: limitMs, signal };
}

/** While nobody else changes the checkout: no script in it, no agent that brings the next task. */
async function alone<T>(undo: CheckoutUndo, action: () => Promise<T>): Promise<T> {
  const { directory, base } = undo;
  const asked = lockCheckout(undo);
  if (!('letGo' in asked))
    throw new ConflictError(
      'KERUTA_ERR_CHECKOUT_IN_USE',
      `${directory} is being changed by process ${asked.holder?.pid ?? 'unknown'}; say it again when that is done`,
    );
  try {
    const busy = busyTask(base, { directory, taskId: undo.taskId });
    if (busy !== null)
      throw new ConflictError(
        'KERUTA_ERR_CHECKOUT_IN_USE',
        `task ${busy.taskId} (${busy.name}) is running in ${directory}, or is about to; wait for its end, or cancel it: keruta task cancel ${busy.taskId}`,
      );
    if ((await inspectPlace(directory, cloneMarker)) === 'own') await tidy(directory);
    return await action();
  } catch (error) {
    throw wrapGitError(error);
  } finally {
    asked.letGo();
  }
}

/** A script may have changed the configuration of the agent's clone: none of it is run here. */
async function tidy(directory: string): Promise<void> {
  const marker = await readMarker(directory, cloneMarker);
  await tidyClone({
    ...{ directory, marker: cloneMarker, excluded: excludedPatterns },
    ...{ url: marker?.url ?? '', objectFormat: marker?.objectFormat ?? 'sha1' },
  });
  await removeStaleLocks(directory);
}
