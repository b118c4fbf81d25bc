/** Files that programs keep credentials in: neither committed nor taken as artifacts. */
export const credentialFiles: readonly string[] = ['.env', '.npmrc', '.netrc', '.git-credentials'];
/** Directories that hold credentials. */
export const credentialDirectories: readonly string[] = ['.ssh'];
/** What a directory of keruta is called, in a home as in a work tree. */
export const ownDirectoryName = '.keruta';

/** Files with tokens of any server and agent, wherever those have their directories. */
const tokenFiles = ['admin.token', 'local.token'];

const never: ReadonlySet<string> = new Set([
  '.git',
  ...credentialFiles,
  ...credentialDirectories,
  ...tokenFiles,
]);

/**
 * Whether a path has a name in it that no artifact has: of credentials, of a repository's inside, of a token of keruta, or of a directory
 * of keruta, but for the artifacts directory `.keruta/doc`. Some file systems do not tell `.ENV` from `.env`, so neither do we.
 * @param path  with `/`; absolute or relative
 */
export function hasPrivateName(path: string): boolean {
  const parts = path.toLowerCase().split('/');
  return parts.some((part, at) => never.has(part) || (part === ownDirectoryName && parts[at + 1] !== 'doc'));
}
