/**
 * Clones that belong to the program, told apart by a marker file. Whatever a script did to such a clone between two
 * uses, its configuration, hooks and attributes are made ours again before git is run in it.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What makes a clone ours. */
export interface OwnClone {
  /** root of the work tree; absolute */
  readonly directory: string;
  /** name of the marker file inside `.git` */
  readonly marker: string;
  /** address that the clone's `origin` names, for scripts; without credentials */
  readonly url: string;
  readonly objectFormat: ObjectFormat;
  /** patterns for `.git/info/exclude`, such as `/.cache/` */
  readonly excluded: readonly string[];
  /** objects directory of another repository, whose objects are used too; absolute; default: none */
  readonly borrows?: string;
}

/** How a repository names its objects. */
export type ObjectFormat = 'sha1' | 'sha256';

/** What the marker file says. */
export interface CloneMarker {
  readonly url: string;
  readonly objectFormat: ObjectFormat;
}

/** What stands at a place where a clone is wanted. */
export type PlaceState = 'missing' | 'empty' | 'own' | 'foreign-clone' | 'other';

/** Looks at a place without running git and without following a link at `.git`. */
export async function inspectPlace(directory: string, marker: string): Promise<PlaceState> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return 'missing';
    if (code === 'ENOTDIR') return 'other';
    throw error;
  }
  if (names.length === 0) return 'empty';
  if (!names.includes('.git')) return 'other';
  const git = join(directory, '.git');
  const real = (await lstat(git)).isDirectory();
  if (real && (await readMarker(directory, marker)) !== null) return 'own';
  // Left by a clone that was stopped before it wrote anything.
  if (real && names.length === 1 && (await readdir(git)).length === 0) return 'empty';
  return 'foreign-clone';
}

/** Reads the marker of a clone; null when it has none. */
export async function readMarker(directory: string, marker: string): Promise<CloneMarker | null> {
  const file = join(directory, '.git', marker);
  try {
    if (!(await lstat(file)).isFile()) return null;
    const found = JSON.parse(await readFile(file, 'utf8')) as Partial<CloneMarker> | null;
    const objectFormat = found?.objectFormat === 'sha256' ? 'sha256' : 'sha1';
    return { url: typeof found?.url === 'string' ? found.url : '', objectFormat };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return { url: '', objectFormat: 'sha1' };
  }
}

/**
 * Makes an empty repository that carries the marker; needs no git process. The directory is made where it is missing.
 * Doing it twice changes nothing else.
 */
export async function createClone(clone: OwnClone): Promise<void> {
  const git = join(clone.directory, '.git');
  await mkdir(git, { recursive: true });
  await writeMarker(clone);
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'hooks'])
    await mkdir(join(git, name), { recursive: true });
  await writeFile(join(git, 'HEAD'), 'ref: refs/heads/main\n');
  await tidyClone(clone);
}

/** Things in `.git` that change what git does or reads, and that a clone of ours never has. */
const unwanted = [
  'config.worktree',
  'commondir',
  'gitdir',
  'shallow.lock',
  'info/attributes',
  'info/grafts',
  'info/sparse-checkout',
  // half-done merges and the like of the script before
  'rebase-merge',
  'rebase-apply',
  'sequencer',
  'MERGE_HEAD',
  'MERGE_MSG',
  'MERGE_MODE',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'BISECT_START',
  'BISECT_LOG',
];

/** Makes configuration, hooks, attributes and excludes of a clone ours again. Follows no link out of it. */
export async function tidyClone(clone: OwnClone): Promise<void> {
  const git = join(clone.directory, '.git');
  await realDirectory(join(git, 'info'));
  await Promise.all([
    ...unwanted.map((name) => rm(join(git, name), { recursive: true, force: true })),
    emptyHooks(join(git, 'hooks')),
    replaceFile(join(git, 'config'), configOf(clone)),
    replaceFile(join(git, 'info', 'exclude'), clone.excluded.map((pattern) => `${pattern}\n`).join('')),
    clone.borrows === undefined ? null : borrow(git, clone.borrows),
  ]);
  const marker = await readMarker(clone.directory, clone.marker);
  if (marker?.url !== clone.url) await writeMarker(clone);
}

async function writeMarker(clone: OwnClone): Promise<void> {
  const { url, objectFormat } = clone;
  await replaceFile(
    join(clone.directory, '.git', clone.marker),
    `${JSON.stringify({ url, objectFormat })}\n`,
  );
}

function configOf(clone: OwnClone): string {
  const sha256 = clone.objectFormat === 'sha256';
  const value = `"${clone.url.replace(/["\\]/g, '\\$&')}"`;
  return `[core]
\trepositoryformatversion = ${sha256 ? 1 : 0}
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
${sha256 ? '[extensions]\n\tobjectformat = sha256\n' : ''}[remote "origin"]
\turl = ${value}
\tfetch = +refs/heads/*:refs/remotes/origin/*
`;
}

async function borrow(git: string, objects: string): Promise<void> {
  await realDirectory(join(git, 'objects'));
  await realDirectory(join(git, 'objects', 'info'));
  await replaceFile(join(git, 'objects', 'info', 'alternates'), `${objects}\n`);
}

async function emptyHooks(directory: string): Promise<void> {
  await realDirectory(directory);
  for (const name of await readdir(directory))
    await rm(join(directory, name), { recursive: true, force: true });
}

async function realDirectory(directory: string): Promise<void> {
  const found = await lstat(directory).catch(() => null);
  if (found !== null && !found.isDirectory()) await unlink(directory);
  if (found === null || !found.isDirectory()) await mkdir(directory, { recursive: true });
}

/** Replaces a file, or a link, in one step. Left alone when it is already right, so that nothing is written in vain. */
async function replaceFile(file: string, text: string): Promise<void> {
  const found = await lstat(file).catch(() => null);
  if (found?.isFile() && found.nlink === 1 && found.size === Buffer.byteLength(text)) {
    if ((await readFile(file, 'utf8')) === text) return;
  }
  if (found?.isDirectory()) await rm(file, { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, text, { flag: 'wx' });
  await rename(temporary, file);
}
