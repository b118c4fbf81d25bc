/** Finds the playbooks of some folders, and reads the files that are named. */
import { readdir, realpath } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, normalize, resolve } from 'node:path';
import { FileRefusedError, isInside, readInside } from '../../pkg/files/read-inside.ts';
import { InputError, NotFoundError } from '../domain/errors.ts';
import type { ExpandOptions } from './expand-playbook.ts';
import { maxPlaybookBytes } from './playbook.ts';

/** A folder of playbooks. */
export interface PlaybookFolder {
  /** absolute */
  readonly path: string;
  /** absolute; neither the folder nor a file may be a link out of it; null = they may be links anywhere */
  readonly within: string | null;
  /** such as `repository`: told with each playbook */
  readonly source: string;
}

/** A playbook that is there; nobody has looked into it yet. */
export interface FoundPlaybook {
  /** of the file, without its extension: how `run` knows it */
  readonly id: string;
  /** absolute */
  readonly file: string;
  readonly source: string;
}

/** Most playbooks of a folder. */
const maxEntries = 1_000;

/**
 * Lists `ID.yaml`, `ID.yml` and `ID.json` of each folder; hidden files do not count. The first folder that has an id wins. A folder that
 * is not there is empty; what leads out of where it may be is passed over.
 * @returns by id
 */
export async function findPlaybooks(folders: readonly PlaybookFolder[]): Promise<readonly FoundPlaybook[]> {
  const found = new Map<string, FoundPlaybook>();
  for (const { path, within, source } of folders) {
    const root = await realpath(path).catch(() => null);
    if (root === null) continue;
    const bounds = within === null ? root : await realpath(within).catch(() => within);
    if (!isInside(root, bounds)) continue;
    const names = await readdir(root).catch(() => []);
    for (const name of names.filter(isPlaybook).toSorted().slice(0, maxEntries)) {
      const id = name.slice(0, -extname(name).length);
      const real = await realpath(join(root, name)).catch(() => null);
      const isOurs = real !== null && (within === null || isInside(real, bounds));
      if (isOurs && !found.has(id)) found.set(id, { id, file: join(path, name), source });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Whether a file is called as playbooks are. */
export function isPlaybook(name: string): boolean {
  return ['.yaml', '.yml', '.json'].includes(extname(name)) && !name.startsWith('.');
}

/**
 * Reads a file. Devices and pipes are neither waited for nor read.
 * @param file  absolute
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 * @throws {InputError} KERUTA_ERR_PLAYBOOK: it is no regular file of UTF-8, or too large
 */
export async function readPlaybookFile(file: string): Promise<string> {
  try {
    return await readInside({ root: '/', path: file, maxBytes: maxPlaybookBytes });
  } catch (cause) {
    if (!(cause instanceof FileRefusedError)) throw cause;
    const { code } = (cause.cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `there is no ${file}`, { cause });
    throw new InputError('KERUTA_ERR_PLAYBOOK', `${file} ${cause.message}`, { cause });
  }
}

/**
 * Makes what reads included files: a path is relative to the file that names it.
 * @param directory  absolute; what names of files that are not absolute are relative to
 */
export function makeLoader(directory: string): ExpandOptions['load'] {
  return async (path, from) => {
    const file = isAbsolute(path) ? normalize(path) : join(dirname(from), path);
    return { file, text: await readPlaybookFile(resolve(directory, file)) };
  };
}
