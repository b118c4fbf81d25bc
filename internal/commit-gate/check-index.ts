import type { Git } from '../../pkg/git/git.ts';
import { type Finding, type GateRules, judgeCommit } from './judge.ts';
import { type FileDiff, parseDiff } from './parse-diff.ts';
import { cachedDiff, limitsOf, readStaged, type StagedEntry, type StagedPlace } from './read-staged.ts';

/** Largest file that is committed, unless told otherwise; bytes. */
export const defaultMaxFileBytes = 10 * 1024 * 1024;

/** Which work tree, what is looked for, and how long one call of git may take. */
export interface GateCall extends StagedPlace, GateRules {}

/** Old and new content of the files that are looked at together; bytes. One file may be larger. */
const batchBytes = 4 * 1024 * 1024;
const batchPaths = 200;
/** More old content than this is not compared: the new content is then looked at as a whole; bytes. */
const maxOldBytes = 32 * 1024 * 1024;
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
    const diffs = await readDiffs(git, call, batch);
    if (diffs !== null) findings.push(...judgeCommit(call, batch, diffs));
    // one of them cannot be read: the others are not to be blamed for it
    else
      for (const one of batch) findings.push(...judgeCommit(call, [one], await readDiffs(git, call, [one])));
  }
  return findings;
}

function* batchesOf(
  entries: readonly StagedEntry[],
  maxFileBytes: number,
): Generator<readonly StagedEntry[]> {
  let batch: StagedEntry[] = [];
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
  batch: readonly StagedEntry[],
): Promise<readonly FileDiff[] | null> {
  const looked = batch.filter(({ bytes, kind }) => bytes <= call.maxFileBytes && kind !== 'unmerged');
  if (looked.length === 0) return [];
  const isHuge = looked.some(({ oldBytes }) => oldBytes > maxOldBytes);
  const bytes = looked.reduce((sum, one) => sum + one.bytes + (isHuge ? 0 : one.oldBytes), 0);
  const answer = await git.local({
    ...limitsOf(call),
    args: [
      'diff',
      ...cachedDiff,
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
