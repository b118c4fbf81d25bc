import type { StreamName } from '../../domain/task.ts';
import type { StreamLoss } from '../executor.ts';
import { readRunFile, runFile } from './run-files.ts';

/** What one `cat` holds at most. @see coreutils src/ioblksize.h */
const writerBufferBytes = 128 * 1024;

/** Reads the `loss` file of a run; in the order in which the gaps came to be. */
export function readLosses(directory: string): readonly StreamLoss[] {
  const lines = readRunFile(directory, runFile.loss)?.split('\n') ?? [];
  return lines.flatMap((line) => {
    const match = /^(stdout|stderr) (\d*) (full|killed)$/.exec(line);
    if (!match) return [];
    const [, stream, offset, cause] = match as unknown as [string, StreamName, string, StreamLoss['cause']];
    return [{ stream, offset: Number(offset), maxBytes: writerBufferBytes, cause }];
  });
}
