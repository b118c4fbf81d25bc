import { taskTrailer } from '../../domain/git-names.ts';
import { type FlowCall, inTree } from './flow-call.ts';

/** A commit that somebody else made. */
export interface ForeignCommit {
  readonly commit: string;
  readonly author: string;
  readonly subject: string;
}

/** Most commits that are named. */
const maxNamed = 20;

/**
 * Finds the commits of a range that were not made for a task: those without the trailer that names it.
 * @returns the newest first, at most 20
 * @throws {GitError}
 */
export async function foreignCommits(
  call: FlowCall & { readonly alsoOf?: readonly string[] },
  range: { readonly from: string; readonly to: string },
): Promise<readonly ForeignCommit[]> {
  const format = `%H%x00%an%x00%s%x00%(trailers:key=${taskTrailer},valueonly,separator=%x1f)%x00`;
  const args = ['log', '-z', `--format=${format}`, range.to, '--not', range.from, '--'];
  const { stdout } = await call.tree.git.local({ ...inTree(call), args });
  const own = new Set([call.taskId, ...(call.alsoOf ?? [])]);
  const fields = stdout.split('\0');
  const foreign: ForeignCommit[] = [];
  for (let at = 0; at + 3 < fields.length && foreign.length < maxNamed; at += 5) {
    const [commit = '', author = '', subject = '', trailers = ''] = fields.slice(at, at + 4);
    const isOwn = trailers.split('\x1f').some((value) => own.has(value.trim()));
    if (!isOwn) foreign.push({ commit, author, subject });
  }
  return foreign;
}
