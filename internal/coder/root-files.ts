import type { ClosedDirectory } from '../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../pkg/files/read-inside.ts';
import { type RootFiles, testFiles } from './detect-tests.ts';

/** A file that is larger is not looked at; bytes. */
const maxBytes = 1024 ** 2;

/** Reads what finding tests needs of a work tree; links, and what is no text, are passed over. */
export async function readRootFiles(files: ClosedDirectory): Promise<RootFiles> {
  const entries = await files.list('.');
  const texts = new Map<string, string>();
  for (const { name, kind } of entries) {
    if (kind !== 'file' || !testFiles.includes(name)) continue;
    try {
      texts.set(name, (await files.read(name, maxBytes)).toString('utf8'));
    } catch (error) {
      if (!(error instanceof FileRefusedError)) throw error;
    }
  }
  const names = entries.filter(({ kind }) => kind === 'file' || kind === 'directory').map(({ name }) => name);
  return { names, read: (name) => texts.get(name) ?? null };
}
