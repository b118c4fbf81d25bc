/** What is left of a task that worked in a slot: refs of its own in the mirror, and perhaps the slot that nobody gave back. */
import { bareGit } from '../../../pkg/git/bare-mirror.ts';
import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import { taskRef } from '../../domain/git-names.ts';
import type { RepositoryPool, SlotStatus } from '../pool.ts';

/** A task and the mirror of its repository. */
export interface MirrorUndo extends GitLimits {
  readonly git: Git;
  readonly pool: RepositoryPool;
  /** the mirror; absolute */
  readonly mirror: string;
  readonly taskId: string;
}

/** What would be undone; nothing was changed. */
export interface MirrorPlan {
  /** what was committed for it; null: nothing, or it is undone */
  readonly commit: { readonly id: string; readonly subject: string } | null;
  /** branches of the repository that stood at it when they were last looked at; short names */
  readonly branches: readonly string[];
  /** the slot that is still held for it; null: it was given back */
  readonly slot: SlotStatus | null;
  /** address of the repository; null: no slot of it is left to tell */
  readonly repositoryUrl: string | null;
}

/** Looks what there is to undo. @throws {GitError} and the errors of `RepositoryPool.list` */
export async function planMirrorUndo(undo: MirrorUndo): Promise<MirrorPlan> {
  const { pool, mirror, taskId } = undo;
  const { slots } = await pool.list();
  const ofMirror = slots.filter(({ path }) => path.startsWith(mirror.replace(/mirror\.git$/, '')));
  const slot = ofMirror.find(({ requiredBy }) => requiredBy === `task ${taskId}`.slice(0, 200)) ?? null;
  const named = await ask(undo, [
    'for-each-ref',
    '--format=%(objectname) %(contents:subject)',
    taskRef(taskId, 'after'),
  ]);
  const [line = ''] = named.split('\n');
  const [id = ''] = line.split(' ');
  const commit = id === '' ? null : { id, subject: line.slice(id.length + 1) };
  const at =
    commit === null
      ? ''
      : await ask(undo, [
          'for-each-ref',
          `--points-at=${commit.id}`,
          '--format=%(refname:lstrip=2)',
          'refs/heads/',
        ]);
  return {
    commit,
    branches: at.split('\n').filter((name) => name !== ''),
    slot,
    repositoryUrl: ofMirror[0]?.repositoryUrl ?? null,
  };
}

/**
 * Does it: gives the slot back, whose content is kept, and puts the commit below `undone`. The repository itself is not asked.
 * @returns the ref that keeps the commit; null: there was none
 * @throws {GitError} and the errors of `RepositoryPool.release`
 */
export async function undoInMirror(undo: MirrorUndo, { commit, slot }: MirrorPlan): Promise<string | null> {
  if (slot !== null) await undo.pool.release({ id: slot.id });
  if (commit === null) return null;
  const after = taskRef(undo.taskId, 'after');
  const kept = `${taskRef(undo.taskId, 'undone')}/${commit.id.slice(0, 12)}`;
  await ask(undo, ['update-ref', '--stdin'], `update ${kept} ${commit.id}\ndelete ${after} ${commit.id}\n`);
  return kept;
}

async function ask({ git, mirror, timeoutMs, signal }: MirrorUndo, args: readonly string[], stdin?: string) {
  const more = { ...(signal === undefined ? {} : { signal }), ...(stdin === undefined ? {} : { stdin }) };
  return (await bareGit(git, mirror).local({ directory: mirror, timeoutMs, args, ...more })).stdout;
}
