import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Git, GitLimits } from './git.ts';
import { GitError } from './git-error.ts';

/** Which work tree, and how long. */
export interface WorkTreeCall extends GitLimits {
  /** root of the work tree; absolute */
  readonly directory: string;
}

/** Where a work tree stands. */
export interface WorkTreeStatus {
  /** commit of HEAD; null before the first one */
  readonly commit: string | null;
  /** full name of the branch; null when detached */
  readonly branch: string | null;
  /** paths that differ from HEAD or are new and not ignored; at most 1,000 are listed */
  readonly changes: readonly string[];
}

/** Who is named in commits that we make ourselves. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

const maxChanges = 1_000;

/** Reads where a work tree stands; refreshes what the index knows about unchanged files. @throws {GitError} */
export async function readStatus(git: Git, call: WorkTreeCall): Promise<WorkTreeStatus> {
  const { stdout } = await git.local({
    ...call,
    args: [
      'status',
      '--porcelain=v2',
      '--branch',
      '-z',
      '--untracked-files=normal',
      '--ignore-submodules=dirty',
    ],
  });
  return parseStatus(stdout);
}

/** Reads the output of `git status --porcelain=v2 --branch -z`. Pure. */
export function parseStatus(output: string): WorkTreeStatus {
  let commit: string | null = null;
  let branch: string | null = null;
  const changes: string[] = [];
  const fields = output.split('\0');
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] ?? '';
    if (field.startsWith('# branch.oid ')) commit = /[0-9a-f]{40,64}$/.exec(field)?.[0] ?? null;
    else if (field.startsWith('# branch.head ')) {
      const name = field.slice('# branch.head '.length);
      branch = name === '(detached)' ? null : `refs/heads/${name}`;
    } else if (/^[12u?] /.test(field)) {
      if (changes.length < maxChanges) changes.push(pathOf(field));
      // A rename carries its old path as the next field.
      if (field.startsWith('2 ')) index += 1;
    }
  }
  return { commit, branch, changes };
}

/** Number of space-separated fields before the path, by kind of entry. @see git-status(1), porcelain format 2 */
const fieldsBeforePath: Readonly<Record<string, number>> = { '?': 1, '1': 8, '2': 9, u: 10 };

function pathOf(field: string): string {
  return field
    .split(' ')
    .slice(fieldsBeforePath[field[0] ?? ''] ?? 1)
    .join(' ');
}

/**
 * The commit that a name or id stands for in this clone; null when it is not there or is no commit.
 * @param call.name a full ref name or an id; checked by the caller
 */
export async function resolveCommit(
  git: Git,
  call: WorkTreeCall & { readonly name: string },
): Promise<string | null> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${call.name}^{commit}`];
  const answer = await git.local({ ...call, args, okExits: [0, 1, 128] });
  const id = answer.stdout.trim();
  return answer.exitCode === 0 && /^[0-9a-f]{40,64}$/.test(id) ? id : null;
}

/** Whether a commit, or one before it, would be lost if `exceptBranch` moved to `target`: no other ref has it. */
export async function isOnlyCopy(
  git: Git,
  call: WorkTreeCall & {
    readonly commit: string;
    readonly target: string;
    readonly exceptBranch: string | null;
  },
): Promise<boolean> {
  const except = call.exceptBranch === null ? [] : [`--exclude=${call.exceptBranch}`];
  const args = [
    'rev-list',
    '--max-count=1',
    call.commit,
    '--not',
    call.target,
    ...except,
    '--glob=refs/*',
    '--',
  ];
  return (await git.local({ ...call, args })).stdout.trim() !== '';
}

/**
 * Points a ref at a commit, whatever it was before.
 * @param call.message  one line for the ref's log, which is begun; default: none
 * @throws {GitError}
 */
export async function setRef(
  git: Git,
  call: WorkTreeCall & { readonly name: string; readonly commit: string; readonly message?: string },
): Promise<void> {
  const log = call.message === undefined ? [] : ['--create-reflog', '-m', call.message];
  await git.local({ ...call, args: ['update-ref', ...log, '--end-of-options', call.name, call.commit] });
}

/**
 * Keeps the whole state of a dirty work tree, new files included, as a commit under a ref. Index, files and the list of
 * stashes stay as they are. Ignored files, and repositories inside this one, are not part of it.
 *
 * @returns the commit
 * @throws {GitError} failed when a file cannot be read: then nothing may be cleaned either
 */
export async function keepChanges(
  git: Git,
  call: WorkTreeCall & {
    readonly ref: string;
    readonly head: string | null;
    readonly message: string;
    readonly identity: Identity;
    /** one line for the ref's log; default: none */
    readonly logMessage?: string;
  },
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'git-keep-'));
  try {
    const index = join(scratch, 'index');
    const gitPath = await git.local({ ...call, args: ['rev-parse', '--git-path', 'index'] });
    // A copy keeps what git knows about unchanged files, so only changed ones are read.
    await copyFile(resolve(call.directory, gitPath.stdout.trim()), index).catch(() => {});
    const env = { GIT_INDEX_FILE: index };
    const added = await git.local({
      ...call,
      env,
      args: ['add', '--all', '--ignore-errors', '--', '.'],
      okExits: [0, 1],
    });
    refuseUnread(added.stderr);
    const tree = (await git.local({ ...call, env, args: ['write-tree'] })).stdout.trim();
    const { name, email } = call.identity;
    const parent = call.head === null ? [] : ['-p', call.head];
    const commit = await git.local({
      ...call,
      env: {
        GIT_AUTHOR_NAME: name,
        GIT_AUTHOR_EMAIL: email,
        GIT_COMMITTER_NAME: name,
        GIT_COMMITTER_EMAIL: email,
      },
      args: ['commit-tree', tree, ...parent],
      stdin: call.message,
    });
    const id = commit.stdout.trim();
    const { message: _ofCommit, logMessage, ...where } = call;
    const log = logMessage === undefined ? {} : { message: logMessage };
    await setRef(git, { ...where, name: call.ref, commit: id, ...log });
    return id;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function refuseUnread(stderr: string): void {
  const faults = stderr
    .split('\n')
    .filter((line) => /^(error|fatal):/.test(line))
    // A repository without commits inside this one: it stays where it is, cleaning leaves it alone as well.
    .filter(
      (line) => !line.includes('does not have a commit checked out') && !/adding files failed/.test(line),
    );
  if (faults.length > 0)
    throw new GitError(
      'failed',
      `uncommitted work cannot be kept: ${faults[0]?.slice(0, 300)}; free or remove that file`,
    );
}

/**
 * Makes the work tree equal to a commit: local changes are dropped, new files removed; ignored files stay.
 *
 * @param call.commit an id, never a name
 * @param call.branch full name of the local branch that is to stand there; null = detached
 * @param call.isClean whether there are no new files, so that none are looked for; default false
 * @throws {GitError}
 */
export async function checkoutCommit(
  git: Git,
  call: WorkTreeCall & {
    readonly commit: string;
    readonly branch: string | null;
    readonly isClean?: boolean;
  },
): Promise<void> {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(call.commit))
    throw new GitError('refused', `"${call.commit}" is no commit id`);
  const options = ['--quiet', '--force', '--detach', '--no-recurse-submodules'];
  await git.local({ ...call, args: ['checkout', ...options, call.commit, '--'] });
  if (call.isClean !== true)
    await git.local({ ...call, args: ['clean', '--quiet', '-d', '--force', '--', '.'] });
  if (call.branch === null) return;
  await setRef(git, { ...call, name: call.branch, commit: call.commit });
  await git.local({ ...call, args: ['symbolic-ref', 'HEAD', call.branch] });
}
