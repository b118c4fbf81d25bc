import { credentialDirectories, credentialFiles, ownDirectoryName } from '../domain/private-names.ts';

/** Directories of which nothing is committed. */
const forbiddenDirectories = [...credentialDirectories, ownDirectoryName];

/**
 * Why a path must not be committed; null when it may. Some file systems do not tell `.ENV` from `.env`, so neither do we.
 * @param path  with `/`, relative to the root of the work tree
 */
export function forbiddenName(path: string): string | null {
  const parts = path.toLowerCase().split('/');
  const directory = parts.find((part) => forbiddenDirectories.includes(part));
  if (directory === ownDirectoryName) return 'it is part of the state of keruta';
  if (directory !== undefined) return `it is in a directory named ${directory}`;
  const name = parts.at(-1) ?? '';
  return credentialFiles.includes(name) ? `a file named ${name} usually holds credentials` : null;
}
