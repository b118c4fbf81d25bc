import { GitError } from '../../../pkg/git/git-error.ts';
import { readStatus, setRef } from '../../../pkg/git/work-tree.ts';
import { wrapGitError } from '../../domain/git-faults.ts';
import { taskRef } from '../../domain/git-names.ts';
import { type FlowCall, inTree } from './flow-call.ts';
import { type CommitIdentity, identityEnvironment, signingOptions } from './identity.ts';
import { headOf } from './rebase.ts';

/** What is committed, and who looks at it first. */
export interface CommitCall<F> extends FlowCall {
  /** of `commitMessage` */
  readonly message: string;
  readonly identity: CommitIdentity;
  /** a commit, on top of which the new one is made; default: where the tree stands. Where it stands may have been meddled with */
  readonly parent?: string;
  /**
   * Judges what is staged in a repository, such as `checkIndex` of the commit gate does; whatever it finds keeps the commit
   * back. Given the git that sees the tree.
   */
  readonly gate: (staged: {
    readonly git: FlowCall['tree']['git'];
    readonly directory: string;
  }) => Promise<readonly F[]>;
}

/** How it went. */
export type Committed<F> =
  | CommitMade
  /** the files are those of the last commit */
  | { readonly kind: 'nothing'; readonly commit: string; readonly leftOut: readonly string[] }
  /** the gate found something: nothing was committed, the files are as they were */
  | { readonly kind: 'held-back'; readonly findings: readonly F[] };

/** A commit, and what is in it. */
export interface CommitMade {
  readonly kind: 'committed';
  readonly commit: string;
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
  /** repositories within the tree that are not part of it; paths */
  readonly leftOut: readonly string[];
}

const maxListBytes = 64 * 1024 * 1024;

/**
 * Commits everything that differs from where the tree stood, as one commit on top of it. What counts are the files: commits,
 * branches and an index that somebody made with the `.git` of the slot do not. Ignored files, `.keruta/` and repositories
 * within this one are left out.
 *
 * @throws {UnavailableError} KERUTA_ERR_GIT, KERUTA_ERR_DISK_FULL
 */
export async function commitAll<F>(call: CommitCall<F>): Promise<Committed<F>> {
  try {
    return await commit(call);
  } catch (error) {
    throw wrapGitError(error);
  }
}

async function commit<F>(call: CommitCall<F>): Promise<Committed<F>> {
  const { tree, identity, message, taskId } = call;
  const where = inTree(call);
  const parent = call.parent ?? (await headOf(call));
  if (call.parent !== undefined)
    await tree.git.local({ ...where, args: ['update-ref', '--no-deref', 'HEAD', parent] });
  await tree.git.local({ ...where, args: ['add', '--all', '--', '.'] });
  const leftOut = await unstageRepositories(call);
  const diff = await tree.git.local({ ...where, args: ['diff', '--cached', '--quiet'], okExits: [0, 1] });
  if (diff.exitCode === 0) return { kind: 'nothing', commit: parent, leftOut };
  const findings = await call.gate({ git: tree.git, directory: tree.directory });
  if (findings.length > 0) {
    await tree.git.local({ ...where, args: ['read-tree', '--reset', 'HEAD'] });
    return { kind: 'held-back', findings };
  }
  await tree.git.local({
    ...where,
    env: identityEnvironment(identity),
    args: ['commit', '--quiet', '--no-verify', ...signingOptions(identity), '--file=-'],
    stdin: message,
  });
  const made = await headOf(call);
  const name = taskRef(taskId, 'after');
  await setRef(tree.keeper, { ...where, directory: tree.keeperDirectory, name, commit: made });
  return { kind: 'committed', commit: made, ...(await statOf(call, parent, made)), leftOut };
}

/** A repository within the tree would become a link that nobody can follow; unless it was one before. */
async function unstageRepositories(call: FlowCall): Promise<readonly string[]> {
  const options = ['--cached', '--raw', '-z', '--no-renames', '--diff-filter=A', '--ignore-submodules=none'];
  const { stdout } = await call.tree.git.local({
    ...inTree(call),
    args: ['diff', ...options, '--'],
    maxOutputBytes: maxListBytes,
  });
  const fields = stdout.split('\0');
  const paths = fields.filter(
    (_, index) => index % 2 === 1 && /^:\d{6} 160000 /.test(fields[index - 1] ?? ''),
  );
  if (paths.length > 0)
    await call.tree.git.local({
      ...inTree(call),
      args: ['update-index', '--force-remove', '-z', '--stdin'],
      stdin: paths.map((path) => `${path}\0`).join(''),
    });
  return paths;
}

async function statOf(
  call: FlowCall,
  from: string,
  to: string,
): Promise<Pick<CommitMade, 'files' | 'insertions' | 'deletions'>> {
  const args = ['diff', '--shortstat', '--no-ext-diff', '--no-textconv', from, to, '--'];
  const { stdout } = await call.tree.git.local({ ...inTree(call), args });
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(stdout)?.[1] ?? 0);
  return { files: count('file'), insertions: count('insertion'), deletions: count('deletion') };
}

/** Whether the files of a tree are those of its last commit. @throws {GitError} */
export async function isCommitted(call: FlowCall): Promise<boolean> {
  return (await readStatus(call.tree.git, inTree(call))).changes.length === 0;
}

/** The difference between two commits of a tree as text, for people and artifacts. @throws {GitError} when it is too long */
export async function diffOf(
  call: FlowCall & { readonly maxBytes: number },
  from: string,
  to: string,
): Promise<string> {
  const args = ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '--binary', from, to, '--'];
  const answer = await call.tree.git.local({ ...inTree(call), args, maxOutputBytes: call.maxBytes });
  if (answer.truncated) throw new GitError('failed', `the difference has more than ${call.maxBytes} bytes`);
  return answer.stdout;
}
