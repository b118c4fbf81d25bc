/** Undoes a task on this machine, for a person. */
import { join, resolve } from 'node:path';
import { ConflictError, InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { wrapGitError } from '../../../internal/domain/git-faults.ts';
import { planMirrorUndo, undoInMirror } from '../../../internal/pool/flow/undo-in-mirror.ts';
import { busyTask } from '../../../internal/worker/checkout/busy.ts';
import { createGit, type Git } from '../../../pkg/git/git.ts';
import type { CommandContext } from '../command.ts';
import { isConfirmed } from '../confirm.ts';
import { printJson } from '../people/print.ts';
import { personsPool } from '../roles/pool-of.ts';
import { repositoriesOf } from '../roles/repositories.ts';
import { type FoundPlace, findUndoPlace } from './find-place.ts';
import { doCheckoutUndo, planCheckoutUndo } from './undo-checkout.ts';
import { checkoutPlanText, checkoutUndoneText, mirrorPlanText, mirrorUndoneText } from './undo-words.ts';

/** What is asked for. */
export interface UndoWish {
  readonly task: string;
  /** the checkout, as it was written; null: it is looked for */
  readonly only: string | null;
  readonly isSure: boolean;
  readonly isDry: boolean;
}

const gitMs = 600_000;

/**
 * Undoes it.
 * @returns false: the person said no
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, KERUTA_ERR_NOT_RECORDED; {ConflictError} KERUTA_ERR_CHECKOUT_IN_USE;
 *   {InputError} KERUTA_ERR_USAGE where nobody can be asked
 */
export async function undoHere(context: CommandContext, wish: UndoWish): Promise<boolean> {
  const settings = await context.settings();
  const { baseDir, workingDir } = settings.values;
  const git = createGit({
    environment: context.env,
    credentials: 'none',
    allowLocal: true,
    privateDirectory: join(baseDir, 'git'),
  });
  const place = await findUndoPlace({
    ...{ git, task: wish.task, cwd: context.cwd, base: baseDir, workingDirectory: workingDir },
    only: wish.only === null ? null : resolve(context.cwd, wish.only),
    repositories: repositoriesOf(settings, context.home),
  });
  const parts = { context, wish, git, base: baseDir, place };
  return place.kind === 'mirror' ? undoMirror(parts) : undoCheckout(parts);
}

interface UndoParts {
  readonly context: CommandContext;
  readonly wish: UndoWish;
  readonly git: Git;
  readonly base: string;
  readonly place: FoundPlace;
}

async function undoCheckout({ context, wish, git, base, place }: UndoParts): Promise<boolean> {
  const { directory, taskId } = place;
  const undo = {
    ...{ git, directory, taskId, base, signal: context.signal, pid: process.pid },
    privateDirectory: join(base, 'git'),
  };
  const plan = await planCheckoutUndo(undo);
  if (plan === null)
    throw new NotFoundError('KERUTA_ERR_NOT_RECORDED', `nothing is recorded of task ${taskId}`);
  const { files, commits, later, commit, branch, hasChanges } = plan;
  const facts = { taskId, directory, commit, branch, hasChanges, files, commits, later };
  if (!plan.isDone && !(await goesOn(context, wish, checkoutPlanText(context, place, plan)))) {
    if (wish.isDry && context.json)
      await printJson(context, { ...facts, undone: false, keptRef: null, keptBranchRef: null });
    return wish.isDry;
  }
  const done = plan.isDone ? null : await doCheckoutUndo(undo, plan);
  const kept = done?.kind === 'undone' ? done : { keptRef: null, keptBranchRef: null };
  const { keptRef, keptBranchRef } = kept;
  if (context.json) await printJson(context, { ...facts, undone: !plan.isDone, keptRef, keptBranchRef });
  else await context.stdout.write(checkoutUndoneText(place, plan, kept));
  return true;
}

async function undoMirror({ context, wish, git, base, place }: UndoParts): Promise<boolean> {
  const { directory: mirror, taskId } = place;
  const { signal } = context;
  const busy = busyTask(base, { directory: null, taskId });
  const pool = await personsPool(context, await context.settings());
  const undo = { git, pool, mirror, taskId, timeoutMs: gitMs, signal };
  try {
    const plan = await planMirrorUndo(undo);
    if (busy !== null || (plan.slot?.pid ?? null) !== null)
      throw new ConflictError(
        'KERUTA_ERR_CHECKOUT_IN_USE',
        `task ${taskId} is running${plan.slot === null ? '' : ` in ${plan.slot.path}`}; wait for its end, or cancel it: keruta task cancel ${taskId}`,
      );
    const isDone = plan.commit === null && plan.slot === null;
    const facts = { taskId, mirror, ...plan };
    if (!isDone && !(await goesOn(context, wish, mirrorPlanText(context, place, plan)))) {
      if (wish.isDry && context.json) await printJson(context, { ...facts, undone: false, keptRef: null });
      return wish.isDry;
    }
    const keptRef = await undoInMirror(undo, plan);
    if (context.json) await printJson(context, { ...facts, undone: !isDone, keptRef });
    else await context.stdout.write(mirrorUndoneText(place, plan, keptRef));
    return true;
  } catch (error) {
    throw wrapGitError(error);
  }
}

/** Shows what will change, and asks. @returns false: nothing is to be done @throws {InputError} KERUTA_ERR_USAGE */
async function goesOn(context: CommandContext, wish: UndoWish, text: string): Promise<boolean> {
  if (!context.json) await (wish.isDry ? context.stdout : context.stderr).write(text);
  if (wish.isDry) return false;
  if (wish.isSure) return true;
  if (context.stdinIsTerminal) {
    if (context.json) await context.stderr.write(text);
    return isConfirmed(context, 'Undo it?');
  }
  throw new InputError(
    'KERUTA_ERR_USAGE',
    'there is no terminal to ask at; give --yes to undo it, or --dry-run to see what would change',
  );
}
