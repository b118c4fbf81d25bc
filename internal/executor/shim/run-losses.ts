import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type StreamName, streamNames } from '../../domain/task.ts';
import type { StreamLoss } from '../executor.ts';
import { readRunFile, runFile } from './run-files.ts';

/** What one `cat` holds at most. @see coreutils src/ioblksize.h */
const writerBufferBytes = 128 * 1024;

/** Reads the `loss` file of a run; in the order in which the gaps came to be. */
export function readLosses(directory: string): readonly StreamLoss[] {
  const lines = readRunFile(directory, runFile.loss)?.split('\n') ?? [];
  return lines.flatMap((line) => {
    const match = /^(stdout|stderr) (\d{0,15}) (full|killed)$/.exec(line);
    if (!match) return [];
    const [, stream, offset, cause] = match as unknown as [string, StreamName, string, StreamLoss['cause']];
    return [{ stream, offset: Number(offset), maxBytes: writerBufferBytes, cause }];
  });
}

/** What was seen of a stream's file while it was there; bytes. */
export interface SeenStream {
  size: number;
  readTo: number;
}

/** The gaps of streams whose files the task deleted: all that had not been read. */
export function deletedStreams(
  directory: string,
  seen: Readonly<Record<StreamName, SeenStream>>,
): readonly StreamLoss[] {
  // a run that ended before its writers began has no such files either
  const hadFiles = (stream: StreamName) =>
    !existsSync(join(directory, runFile.spec)) || seen[stream].size > 0;
  return streamNames
    .filter((stream) => !existsSync(join(directory, stream)) && hadFiles(stream))
    .map((stream) => {
      const { size, readTo } = seen[stream];
      return { stream, offset: readTo, maxBytes: Math.max(1, size - readTo), cause: 'deleted' };
    });
}
