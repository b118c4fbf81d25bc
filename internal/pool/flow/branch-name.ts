import { branchFault } from '../../domain/branch-fault.ts';
import { InputError } from '../../domain/errors.ts';
import { fillTemplate } from './template.ts';

/** What a branch is named after. */
export interface BranchContext {
  /** null: the task belongs to none */
  readonly sessionId: string | null;
  readonly taskId: string | null;
  readonly specName?: string | null;
  readonly title?: string | null;
  readonly requiredSkill?: string | null;
  /** epoch ms */
  readonly now: number;
}

/** Ids that are shorter name nothing. */
const leastIdChars = 8;
const maxSlugChars = 40;

/**
 * Names the branch of a task.
 *
 * @param template  such as `keruta/{task}-{title}`; with `{session}`, `{task}`, `{sessionId}`, `{taskId}`, `{spec}`,
 *                  `{title}`, `{skill}`; null: `keruta-task-<session>-<task>`, each id shortened, as far as they are known
 * @returns a name that git takes
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: unknown placeholder, or git would refuse the name
 */
export function branchName(template: string | null, context: BranchContext): string {
  const [session, task] = [shortId(context.sessionId), shortId(context.taskId)];
  const name =
    template === null
      ? defaultName({ session, task, now: context.now })
      : fillTemplate(template, {
          session,
          task,
          sessionId: context.sessionId ?? '',
          taskId: context.taskId ?? '',
          spec: slugOf(context.specName ?? ''),
          title: slugOf(context.title ?? ''),
          skill: slugOf(context.requiredSkill ?? ''),
        });
  refuseBranch(name);
  return name;
}

function defaultName(of: { readonly session: string; readonly task: string; readonly now: number }): string {
  const { session, task } = of;
  if (session !== '' && task !== '') return `keruta-task-${session}-${task}`;
  if (session !== '') return `keruta-session-${session}`;
  if (task !== '') return `keruta-task-${task}`;
  return `keruta-branch-${Math.floor(of.now / 1000)}`;
}

/** The part before the first dash, or the first eight characters; `''` for an id that is too short. */
function shortId(id: string | null): string {
  if (id === null || id.length < leastIdChars) return '';
  const dash = id.indexOf('-');
  return dash === -1 ? id.slice(0, leastIdChars) : id.slice(0, dash);
}

/** Words of a text, in lower case with dashes between them. */
function slugOf(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return [...words].slice(0, maxSlugChars).join('').replace(/-+$/, '');
}

/** @throws {InputError} KERUTA_ERR_BAD_VALUE, which says what is wrong with the name */
export function refuseBranch(name: string): void {
  const fault = branchFault(name);
  if (fault === null) return;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `The branch name ${JSON.stringify(name.slice(0, 80))} is refused: ${fault}. Choose another name, or another template.`,
    { details: { branch: name.slice(0, 255) } },
  );
}
