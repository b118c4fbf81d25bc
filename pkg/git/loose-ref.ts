/** Refs as files, written as git writes them but without starting it: for a ref that nobody should wait for. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Identity } from './work-tree.ts';

/** A ref that is to be made. */
export interface NewRef {
  /** of the repository, such as `<work tree>/.git`; absolute */
  readonly gitDirectory: string;
  /** full name; checked by the caller */
  readonly name: string;
  /** an id */
  readonly commit: string;
  /** one line, for the ref's log */
  readonly message: string;
  readonly identity: Identity;
  /** epoch ms */
  readonly at: number;
}

/** Whether a repository keeps its refs as files below a directory of its own. */
export function keepsRefsInFiles(gitDirectory: string): boolean {
  const refs = join(gitDirectory, 'refs');
  const isOwn = isDirectory(gitDirectory) && isDirectory(refs);
  return isOwn && !existsSync(join(gitDirectory, 'reftable')) && !existsSync(join(gitDirectory, 'commondir'));
}

/** Whether there is a ref of that name, packed or not. Only where {@link keepsRefsInFiles}. */
export function hasLooseOrPacked({ gitDirectory, name }: Pick<NewRef, 'gitDirectory' | 'name'>): boolean {
  if (existsSync(join(gitDirectory, name))) return true;
  try {
    return readFileSync(join(gitDirectory, 'packed-refs'), 'utf8').includes(` ${name}\n`);
  } catch {
    return false;
  }
}

/**
 * Makes a ref, and a log of it that has one line. Only where {@link keepsRefsInFiles}.
 * @returns false: there is one of that name already, and it stays
 * @throws the system's error; EEXIST while somebody else changes the ref, ENOTDIR where a link or a file is in the way
 */
export function createLooseRef(ref: NewRef): boolean {
  const { gitDirectory, name, commit } = ref;
  if (hasLooseOrPacked(ref)) return false;
  const file = join(gitDirectory, name);
  makeReal(gitDirectory, dirname(name));
  const lock = `${file}.lock`;
  const handle = openSync(lock, 'wx', 0o644);
  try {
    try {
      writeSync(handle, `${commit}\n`);
    } finally {
      closeSync(handle);
    }
    writeLog(ref);
    renameSync(lock, file);
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
  return true;
}

/** Removes refs below a name, with their logs. What is packed of them stays. Follows no link out of the repository. */
export function removeLooseRefs(gitDirectory: string, name: string): void {
  for (const place of [name, join('logs', name)])
    if (isReal(gitDirectory, dirname(place)))
      rmSync(join(gitDirectory, place), { recursive: true, force: true });
}

function writeLog({ gitDirectory, name, commit, message, identity, at }: NewRef): void {
  const log = join('logs', name);
  makeReal(gitDirectory, dirname(log));
  const who = `${identity.name} <${identity.email}> ${Math.floor(at / 1000)} +0000`;
  appendFileSync(
    join(gitDirectory, log),
    `${'0'.repeat(commit.length)} ${commit} ${who}\t${message.replaceAll('\n', ' ')}\n`,
  );
}

/** Makes a directory and those above it, none of which may be a link. */
function makeReal(root: string, path: string): void {
  let place = root;
  for (const part of path.split('/')) {
    place = join(place, part);
    if (isDirectory(place)) continue;
    mkdirSync(place);
  }
}

function isReal(root: string, path: string): boolean {
  let place = root;
  return path.split('/').every((part) => {
    place = join(place, part);
    return isDirectory(place);
  });
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
