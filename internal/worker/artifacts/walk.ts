import { type BigIntStats, lstatSync } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasPrivateName } from '../../domain/private-names.ts';
import { type OwnPlaces, privateFault } from './own-places.ts';

/** A regular file that may be an artifact. */
export interface WalkedFile {
  readonly absolutePath: string;
  /** relative to its artifacts directory, with `/`, NFC */
  readonly path: string;
  readonly stat: BigIntStats;
  /** real path of the artifacts directory it was found in */
  readonly root: string;
}

/** Something that is not taken, and why; safe to show. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

/** What a walk found. */
export interface Walk {
  readonly files: readonly WalkedFile[];
  readonly skipped: readonly Skipped[];
}

/** Entries after which a walk gives up, so that a directory of millions cannot hold the agent. */
const maxEntries = 200_000;
const maxPathBytes = 1_024;

/** Where to walk. */
export interface WalkRequest {
  /** absolute */
  readonly directories: readonly string[];
  /** what is never entered nor taken */
  readonly own: OwnPlaces;
  /** only the file of this name in each directory itself; default: everything */
  readonly only?: string;
}

/**
 * Walks artifacts directories without following links and without opening any file. A directory that is missing is
 * empty; one that is a link, or stands in one, is skipped, as one of credentials or of keruta's own is. The same directory twice
 * counts once.
 */
export async function walkArtifacts({ directories, own, only }: WalkRequest): Promise<Walk> {
  const files: WalkedFile[] = [];
  const skipped: Skipped[] = [];
  const seen = new Set<string>();
  const budget = { left: maxEntries };
  for (const directory of directories) {
    const root = await openRoot(directory, skipped);
    if (root === null || seen.has(root)) continue;
    seen.add(root);
    const reason = privateFault(root, own);
    const step = { root, directory: root, prefix: '', files, skipped, budget, own };
    if (reason !== null) skipped.push({ path: directory, reason });
    else if (only !== undefined) await look(step, Buffer.from(only));
    else await walk(step);
    if (budget.left <= 0) skipped.push({ path: directory, reason: `more than ${maxEntries} entries` });
  }
  return { files, skipped };
}

async function openRoot(directory: string, skipped: Skipped[]): Promise<string | null> {
  const found = await lstat(directory).catch(() => null);
  if (found === null) return null;
  // The parent is ours as well: a script may have replaced it by a link to somewhere else.
  const parent = await lstat(dirname(directory)).catch(() => null);
  if (!found.isDirectory() || parent?.isSymbolicLink() === true) {
    skipped.push({ path: directory, reason: 'it is not a directory of its own, but a link or a file' });
    return null;
  }
  return join(await realpath(dirname(directory)), basename(directory));
}

interface Step {
  readonly root: string;
  readonly directory: string;
  readonly prefix: string;
  readonly files: WalkedFile[];
  readonly skipped: Skipped[];
  readonly budget: { left: number };
  readonly own: OwnPlaces;
}

async function walk(step: Step): Promise<void> {
  const { directory, skipped, budget } = step;
  const names = await readdir(directory, { encoding: 'buffer' }).catch(() => null);
  if (names === null) {
    skipped.push({ path: step.prefix === '' ? directory : step.prefix, reason: 'it cannot be read' });
    return;
  }
  for (const raw of names.sort(Buffer.compare)) {
    if (budget.left-- <= 0) return;
    await look(step, raw);
  }
}

async function look(step: Step, raw: Buffer): Promise<void> {
  const name = raw.toString('utf8');
  const path = (step.prefix === '' ? name : `${step.prefix}/${name}`).normalize('NFC');
  const fault = nameFault(raw, name, path);
  if (fault === null) await take(step, { name, path });
  else step.skipped.push({ path: escaped(path), reason: fault });
}

async function take(step: Step, entry: { readonly name: string; readonly path: string }): Promise<void> {
  const { name, path } = entry;
  const absolutePath = join(step.directory, name);
  // Synchronous: one quick call per entry costs a tenth of a promise.
  const stat = lstatSync(absolutePath, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return;
  const ownFault = step.own.state.has(absolutePath) ? privateFault(absolutePath, step.own) : null;
  const fault = ownFault ?? (hasPrivateName(name) ? 'private' : null);
  if (fault === null && stat.isDirectory()) return walk({ ...step, directory: absolutePath, prefix: path });
  const reason = fault ?? kindFault(name, stat);
  if (reason === null) step.files.push({ absolutePath, path, stat, root: step.root });
  else step.skipped.push({ path, reason });
}

function kindFault(name: string, stat: BigIntStats): string | null {
  if (name.startsWith('.')) return 'hidden';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (!stat.isFile()) return 'not a regular file';
  if (stat.nlink > 1n) return 'a hard link to a file that has other names';
  const me = process.geteuid?.() ?? 0;
  if (me !== 0 && stat.uid !== BigInt(me)) return 'it belongs to another user';
  return null;
}

function nameFault(raw: Buffer, name: string, path: string): string | null {
  if (!Buffer.from(name, 'utf8').equals(raw)) return 'its name is not UTF-8';
  if (/\p{Cc}/u.test(name)) return 'its name holds a control character';
  if (Buffer.byteLength(path) > maxPathBytes) return `its path is longer than ${maxPathBytes} bytes`;
  return null;
}

const escaped = (path: string) =>
  path.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
