import { join } from 'node:path';
import { parseRepositoryUrl, type RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { cloneTree } from '../../pool/flow/clone-tree.ts';
import { type TaskTree, taskTree } from '../../pool/flow/task-tree.ts';
import { openPool } from '../../pool/open-pool.ts';
import { PhaseFault } from '../fault.ts';
import { localGitMs, type TaskRun } from '../task-run.ts';

/** Where a task is done. */
export interface Workplace {
  readonly id: string;
  /** root of the work tree; absolute */
  readonly path: string;
  readonly tree: TaskTree;
  /** with no credentials but its own; null: a clone that nobody fetched from anywhere */
  readonly url: RepositoryUrl | null;
  /** whether what an earlier start of this task did is still there */
  readonly isResumed: boolean;
  /** Gives it back; never rejects. @returns what was found in it and set aside, for people */
  release(): Promise<readonly string[]>;
}

/** Takes the workplace of a task: the one that its context names, one of another service, or a slot of the machine's pool. */
export async function takeWorkplace(run: TaskRun): Promise<Workplace> {
  const { context, repositoryUrl } = run.task;
  if (context.slotPath !== null) return foreignPlace(run, context.slotId ?? 'given', context.slotPath, null);
  if (repositoryUrl === null)
    throw new PhaseFault(
      'TaskContextValidationError',
      'The task has no repository. Give its context a repository_url or a slot_path.',
    );
  if (run.parts.slots !== null) return servicePlace(run, repositoryUrl);
  return slotPlace(run, repositoryUrl);
}

async function slotPlace(run: TaskRun, url: string): Promise<Workplace> {
  const { parts, task, signal, journal } = run;
  const pool = openPool(parts.pool);
  const target = task.context.targetBranch ?? task.ref;
  const slot = await pool.allocate({
    url,
    requiredBy: `task ${task.id}`.slice(0, 200),
    ...(target === null ? {} : { ref: target }),
    timeoutMs: run.config.timeoutMs,
    signal,
  });
  for (const kept of slot.kept)
    await run.say(`what was left in ${slot.id} was kept: ${kept.ref ?? 'its directory was set aside'}`);
  return {
    id: slot.id,
    path: slot.path,
    tree: taskTree(parts.pool, slot),
    url: urlOf(run, url),
    isResumed: slot.isResumed && journal.state.slot?.id === slot.id,
    release: async () => {
      try {
        const { kept } = await pool.release({ id: slot.id, lease: slot.lease, timeoutMs: localGitMs });
        return kept.map(({ ref, slotId }) => ref ?? `the directory of ${slotId}`);
      } catch (error) {
        parts.log.warn('a slot could not be given back; it is cleaned when it is next handed out', {
          error,
          slot: slot.id,
        });
        return [];
      }
    },
  };
}

async function servicePlace(run: TaskRun, repositoryUrl: string): Promise<Workplace> {
  const { parts, task, signal, journal } = run;
  const { slots } = parts;
  const known = journal.state.slot;
  const slot =
    known ??
    (await slots?.allocate({ repositoryUrl, requiredBy: `task ${task.id}`.slice(0, 200), signal })) ??
    null;
  if (slot === null) throw new PhaseFault('WorkspacePreparationError', 'The repository pool gave no slot.');
  const place = await foreignPlace(run, slot.id, slot.path, repositoryUrl);
  return {
    ...place,
    release: async () => {
      await slots?.release(slot.id).catch((error: unknown) => {
        parts.log.warn('a slot could not be given back to its service', { error, slot: slot.id });
      });
      return [];
    },
  };
}

async function foreignPlace(
  run: TaskRun,
  id: string,
  path: string,
  repositoryUrl: string | null,
): Promise<Workplace> {
  const { parts, journal, task, signal } = run;
  const { git } = parts.pool;
  const limits = { timeoutMs: localGitMs, signal };
  const tree = await cloneTree(git, {
    directory: path,
    gitDirectory: join(parts.directory, 'git'),
    ...limits,
  });
  const named = repositoryUrl ?? task.repositoryUrl ?? (await originOf(run, path));
  return {
    ...{ id, path, tree },
    url: named === null ? null : urlOf(run, named),
    isResumed: journal.state.slot?.id === id && journal.state.slot.path === path,
    release: () => Promise.resolve([]),
  };
}

/** The address of the clone's `origin`; null when it has none. */
async function originOf({ parts, signal }: TaskRun, directory: string): Promise<string | null> {
  const { stdout } = await parts.pool.git.local({
    ...{ directory, timeoutMs: localGitMs, signal },
    args: ['config', '--get', 'remote.origin.url'],
    okExits: [0, 1],
  });
  return stdout.trim() === '' ? null : stdout.trim();
}

function urlOf({ parts }: TaskRun, text: string): RepositoryUrl {
  return parseRepositoryUrl(text, { allowLocal: parts.pool.git.parts.allowLocal });
}
