import type { ClosedDirectory, ClosedEntry } from '../../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';

/** Where and how far to go. */
export interface Walk {
  readonly from: string;
  /** levels; >= 1 */
  readonly depth: number;
  readonly signal: AbortSignal;
  /** directories that are named but not entered, unless it begins in one; default none */
  readonly pass?: readonly string[];
}

/** Goes through a directory and what is below it, each directory before what is in it; names are whole paths. @throws {FileRefusedError} */
export async function* walk(
  files: ClosedDirectory,
  { from, depth, signal, pass = [] }: Walk,
): AsyncGenerator<ClosedEntry> {
  signal.throwIfAborted();
  const base = from
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  for (const entry of await files.list(from)) {
    const name = base === '' ? entry.name : `${base}/${entry.name}`;
    yield { ...entry, name };
    if (entry.kind !== 'directory' || depth <= 1 || pass.includes(entry.name)) continue;
    try {
      yield* walk(files, { from: name, depth: depth - 1, signal, pass });
    } catch (error) {
      // it may be gone, or not ours to read: that says nothing of the others
      if (!(error instanceof FileRefusedError)) throw error;
    }
  }
}
