import type { StreamName } from '../../domain/task.ts';
import { readRunFile, runFile } from './run-files.ts';

/** A gap in a stream: bytes that the script wrote and that are not in the file. */
export interface StreamLoss {
  readonly stream: StreamName;
  /** where the gap is: what follows stood behind it */
  readonly offset: number;
  /** the most that can be missing there; bytes */
  readonly maxBytes: number;
  /** `full`: no space; `killed`: somebody killed the writer, and there may be no gap at all */
  readonly cause: 'full' | 'killed';
}

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
