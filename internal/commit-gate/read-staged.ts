/** Reads what is staged: the index against HEAD, never the files of the work tree. */
import type { Git, GitLimits } from '../../pkg/git/git.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import type { StagedFile } from './judge.ts';

/** A work tree, and how long one call of git may take. */
export interface StagedPlace extends GitLimits {
  /** root of the work tree; absolute */
  readonly directory: string;
}

/** A staged path, with what stood there before. */
export interface StagedEntry extends StagedFile {
  /** of the old content; bytes */
  readonly oldBytes: number;
}

const maxListBytes = 64 * 1024 * 1024;

/** Options of every diff of the gate, whatever the configuration of the clone says. */
export const cachedDiff: readonly string[] = [
  '--cached',
  '--no-renames',
  '--diff-filter=d',
  '--no-relative',
  '--ignore-submodules=none',
];

/** What differs between HEAD and the index, with sizes; deleted files are left out. @throws {GitError} */
export async function readStaged(git: Git, call: StagedPlace): Promise<readonly StagedEntry[]> {
  const args = ['diff', ...cachedDiff, '--raw', '-z', '--no-abbrev', '--'];
  const { stdout, truncated } = await git.local({ ...limitsOf(call), args, maxOutputBytes: maxListBytes });
  const changes = parseRaw(stdout);
  if (truncated || changes === null)
    throw new GitError('failed', 'the list of staged files cannot be read whole');
  const ids = [...new Set(changes.flatMap(({ before, after }) => [before, after]))].filter(
    (id) => !/^0+$/.test(id),
  );
  const sizes = await sizesOf(git, call, ids);
  const bytesOf = (id: string) => sizes.get(id) ?? 0;
  return changes.map(({ path, kind, before, after }) => ({
    path,
    kind,
    bytes: kind === 'submodule' ? 0 : bytesOf(after),
    oldBytes: bytesOf(before),
    isChanged: before !== after,
  }));
}

interface Change {
  readonly path: string;
  readonly kind: StagedFile['kind'];
  readonly before: string;
  readonly after: string;
}

/** Reads `git diff --raw -z`: `:100644 100644 <id> <id> M`, NUL, path, NUL. Null when it is something else. */
function parseRaw(output: string): readonly Change[] | null {
  const fields = output.split('\0').slice(0, -1);
  const changes: Change[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const match = /^:\d{6} (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(fields[at] ?? '');
    const path = fields[at + 1];
    if (match === null || path === undefined) return null;
    const [, mode = '', before = '', after = '', status = ''] = match;
    changes.push({ path, kind: status === 'U' ? 'unmerged' : kindOf(mode), before, after });
  }
  return changes;
}

function kindOf(mode: string): StagedFile['kind'] {
  if (mode === '160000') return 'submodule';
  return mode === '120000' ? 'link' : 'file';
}

/** Sizes by id; what is no blob, or not there (a commit of a submodule), is left out. */
async function sizesOf(
  git: Git,
  call: StagedPlace,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (ids.length === 0) return new Map();
  const args = ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'];
  const stdin = `${ids.join('\n')}\n`;
  const { stdout } = await git.local({ ...limitsOf(call), args, stdin, maxOutputBytes: maxListBytes });
  const found = [...stdout.matchAll(/^([0-9a-f]+) blob (\d+)$/gm)];
  return new Map(found.map(([, id = '', size = '0']) => [id, Number(size)]));
}

/** The part of a call that says where and how long. */
export function limitsOf({
  directory,
  timeoutMs,
  signal,
}: StagedPlace): GitLimits & { readonly directory: string } {
  return { directory, timeoutMs, ...(signal === undefined ? {} : { signal }) };
}
