/** What an undo would do, and what it did, in words. */

import type { Undone } from '../../../internal/pool/flow/undo.ts';
import type { MirrorPlan } from '../../../internal/pool/flow/undo-in-mirror.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';
import { span } from '../people/print.ts';
import type { FoundPlace } from './find-place.ts';
import type { CheckoutPlan } from './undo-checkout.ts';

/** More of a kind are counted, not shown. */
const maxShown = 20;

/** What will change in a checkout. */
export function checkoutPlanText(
  { clock }: Pick<CommandContext, 'clock'>,
  { directory, taskId }: FoundPlace,
  plan: CheckoutPlan,
): string {
  const { at, commit, now, files, commits, later, hasChanges } = plan;
  const when = at === null ? '' : `, as it was ${span(Math.max(0, clock.now() - at))} ago`;
  const uncommitted = hasChanges ? ', with the changes that were not committed then' : '';
  return lines([
    `task ${taskId} in ${directory}${when}:`,
    `  from ${whereText(now)} to ${whereText({ commit, branch: plan.branch })}${uncommitted}`,
    ...some(
      commits.map(
        ({ id, subject }) => `  commit ${id.slice(0, 10)} goes from the branch: ${visible(subject)}`,
      ),
    ),
    ...some(files.map(({ change, path }) => `  ${change.padEnd(8)} ${visible(path)}`)),
    ...some(later.map((task) => `  what task ${task} did here after it goes too`)),
    '  ignored files stay, and so does what was pushed',
  ]);
}

/** What was done in a checkout, and the way back. */
export function checkoutUndoneText(
  { directory, taskId }: FoundPlace,
  plan: CheckoutPlan,
  kept: Pick<Extract<Undone, { kind: 'undone' }>, 'keptRef' | 'keptBranchRef'>,
): string {
  const where = whereText({ commit: plan.commit, branch: plan.branch });
  if (kept.keptRef === null) return `${directory} is as it was before task ${taskId} already: ${where}\n`;
  return lines([
    `${directory} is as it was before task ${taskId}: ${where}`,
    `what was there is kept; to get it back: git -C ${quoted(directory)} switch --detach ${kept.keptRef}`,
    ...(kept.keptBranchRef === null
      ? []
      : [`commits of ${short(plan.branch)} are kept: git -C ${quoted(directory)} log ${kept.keptBranchRef}`]),
  ]);
}

/** What will change of an agent task. */
export function mirrorPlanText(
  _context: CommandContext,
  { taskId, directory }: FoundPlace,
  { commit, branches, slot, repositoryUrl }: MirrorPlan,
): string {
  return lines([
    `agent task ${taskId}, whose work was done in a slot (mirror ${directory}):`,
    ...(commit === null
      ? []
      : [`  its commit ${commit.id.slice(0, 10)} is set aside: ${visible(commit.subject)}`]),
    ...(slot === null ? [] : [`  slot ${slot.id} is given back; what is in it is kept`]),
    ...pushedLines({ branches, repositoryUrl }),
  ]);
}

/** What was done of an agent task, and the way back. */
export function mirrorUndoneText(
  { taskId, directory }: FoundPlace,
  { slot, branches, repositoryUrl }: MirrorPlan,
  keptRef: string | null,
): string {
  if (keptRef === null && slot === null)
    return `nothing is left of task ${taskId} on this machine; what was pushed stays where it is\n`;
  return lines([
    `task ${taskId} is undone on this machine`,
    ...(slot === null ? [] : [`slot ${slot.id} is free; see what was kept of it: keruta slot list`]),
    ...(keptRef === null
      ? []
      : [`its commit is kept; see it: git --git-dir=${quoted(directory)} show ${keptRef}`]),
    ...pushedLines({ branches, repositoryUrl }),
  ]);
}

function pushedLines({ branches, repositoryUrl }: Pick<MirrorPlan, 'branches' | 'repositoryUrl'>): string[] {
  return branches.map(
    (name) =>
      `  branch ${visible(name)} was pushed and stays; to remove it: git push ${repositoryUrl ?? 'URL'} --delete ${quoted(name)}`,
  );
}

function whereText({ commit, branch }: { readonly commit: string; readonly branch: string | null }): string {
  return `${short(branch)} at ${commit.slice(0, 10)}`;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const short = (branch: string | null) =>
  branch === null ? 'no branch' : visible(branch.replace(/^refs\/heads\//, ''));

function some(all: readonly string[]): readonly string[] {
  const rest = all.length - maxShown;
  return rest > 0 ? [...all.slice(0, maxShown), `  … and ${rest} more of these`] : all;
}

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
