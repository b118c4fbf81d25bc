import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import { GitError } from '../../../pkg/git/git-error.ts';
import { type Finding, type GateRules, judgeCommit, type StagedFile } from './judge.ts';
import { type FileDiff, parseDiff } from './parse-diff.ts';

/** Largest file that is committed, unless told otherwise; bytes. */
export const defaultMaxFileBytes = 10 * 1024 * 1024;

/** Which work tree, what is looked for, and how long one call of git may take. */
export interface GateCall extends GitLimits, GateRules {
  /** root of the work tree; absolute */
  readonly directory: string;
}

interface Entry extends StagedFile {
  /** of the old content; bytes */
  readonly oldBytes: number;
}

/** Old and new content of the files that are looked at together; bytes. One file may be larger. */
const batchBytes = 4 * 1024 * 1024;
const batchPaths = 200;
/** More old content than this is not compared: the new content is then looked at as a whole; bytes. */
const maxOldBytes = 32 * 1024 * 1024;
const maxListBytes = 64 * 1024 * 1024;
const wholeFile = 100_000_000;

/**
 * Judges what is staged in a work tree. Reads the index and the objects, never the files; changes nothing.
 * @returns nothing when it may be committed
 * @throws {GitError}
 */
export async function checkIndex(git: Git, call: GateCall): Promise<readonly Finding[]> {
  const entries = await readStaged(git, call);
  const findings: Finding[] = [];
  for (const batch of batchesOf(entries, call.maxFileBytes)) {
    findings.push(...judgeCommit(call, batch, await readDiffs(git, call, batch)));
  }
  return findings;
}

const common = ['--cached', '--no-renames', '--diff-filter=d', '--no-relative', '--ignore-submodules=none'];

/** What differs between HEAD and the index, with sizes. */
async function readStaged(git: Git, call: GateCall): Promise<readonly Entry[]> {
  const args = ['diff', ...common, '--raw', '-z', '--no-abbrev', '--'];
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
  call: GateCall,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (ids.length === 0) return new Map();
  const args = ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'];
  const stdin = `${ids.join('\n')}\n`;
  const { stdout } = await git.local({ ...limitsOf(call), args, stdin, maxOutputBytes: maxListBytes });
  const found = [...stdout.matchAll(/^([0-9a-f]+) blob (\d+)$/gm)];
  return new Map(found.map(([, id = '', size = '0']) => [id, Number(size)]));
}

function* batchesOf(entries: readonly Entry[], maxFileBytes: number): Generator<readonly Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const more = entry.bytes > maxFileBytes ? 0 : entry.bytes + entry.oldBytes;
    const isAlone = entry.oldBytes > maxOldBytes;
    if (batch.length > 0 && (isAlone || bytes + more > batchBytes || batch.length >= batchPaths)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += more;
    if (!isAlone) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

/** The new lines of a batch; null when git did not give all of them. */
async function readDiffs(
  git: Git,
  call: GateCall,
  batch: readonly Entry[],
): Promise<readonly FileDiff[] | null> {
  const looked = batch.filter(({ bytes, kind }) => bytes <= call.maxFileBytes && kind !== 'unmerged');
  if (looked.length === 0) return [];
  const isHuge = looked.some(({ oldBytes }) => oldBytes > maxOldBytes);
  const bytes = looked.reduce((sum, one) => sum + one.bytes + (isHuge ? 0 : one.oldBytes), 0);
  const answer = await git.local({
    ...limitsOf(call),
    args: [
      'diff',
      ...common,
      '--patch',
      '--text',
      `--unified=${wholeFile}`,
      '--inter-hunk-context=0',
      '--no-ext-diff',
      '--no-textconv',
      '--no-color',
      '--submodule=short',
      '--src-prefix=a/',
      '--dst-prefix=b/',
      ...(isHuge ? [await emptyTree(git, call)] : []),
      '--',
      ...looked.map(({ path }) => path),
    ],
    env: { GIT_LITERAL_PATHSPECS: '1' },
    // every byte may be a line of its own, with a sign before it; and headers
    maxOutputBytes: 2 * bytes + looked.length * 16_384,
  });
  return answer.truncated ? null : parseDiff(answer.stdout);
}

async function emptyTree(git: Git, call: GateCall): Promise<string> {
  const args = ['hash-object', '-t', 'tree', '--stdin'];
  return (await git.local({ ...limitsOf(call), args, stdin: '' })).stdout.trim();
}

function limitsOf({ directory, timeoutMs, signal }: GateCall): GitLimits & { readonly directory: string } {
  return { directory, timeoutMs, ...(signal === undefined ? {} : { signal }) };
}
