/** Repositories of ours that others may write to: their configuration is made ours again before git reads it. */
import { lstat, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceText } from '../files/replace-text.ts';
import type { Git } from './git.ts';

/** Does something before every call of a git. */
export function gitAfter(git: Git, before: () => Promise<void>): Git {
  return {
    parts: git.parts,
    local: async (call) => {
      await before();
      return git.local(call);
    },
    remote: async (call) => {
      await before();
      return git.remote(call);
    },
  };
}

/**
 * Puts the configuration of a repository right: addresses that lead elsewhere, filters, programs. Where there is none nothing happens.
 * @param directory  of the repository itself; absolute
 * @param configOf  what it is to be
 */
export async function keepConfig(directory: string, configOf: (isSha256: boolean) => string): Promise<void> {
  const file = join(directory, 'config');
  const found = await lstat(file).catch(() => null);
  if (found === null) return;
  const text = found.isFile() ? await readFile(file, 'utf8') : '';
  const wanted = configOf(/^\s*objectformat = sha256$/m.test(text));
  if (text !== wanted) {
    if (found.isDirectory()) await rm(file, { recursive: true, force: true });
    replaceText(file, wanted);
  }
  // with it configuration and refs would be read in another place
  await rm(join(directory, 'commondir'), { recursive: true, force: true });
}
