/** What a watch knows, kept over restarts of the agent. */
import { z } from 'zod';
import { type FileChange, fileChangeShape } from '../../api/watch-shapes.ts';
import { readJsonFile, writeJsonFile } from '../json-file.ts';
import type { FileTable } from './diff.ts';

const shape = z.looseObject({
  root: z.string(),
  files: z.array(
    z.tuple([z.string(), fileChangeShape.pick({ size: true, mtimeNs: true, inode: true, sha256: true })]),
  ),
  unsent: z.array(z.array(fileChangeShape)),
  tasks: z.array(z.string()),
});

/** @see readWatchState */
export interface WatchState {
  readonly root: string;
  readonly files: FileTable;
  /** events that the server has not taken yet, oldest first */
  readonly unsent: readonly (readonly FileChange[])[];
  /** ids of the last tasks that came of it */
  readonly tasks: readonly string[];
}

/** Reads it; null when there is none of this root, or what is there was damaged. */
export function readWatchState(file: string, root: string): WatchState | null {
  const read = shape.safeParse(readJsonFile(file)).data;
  if (read === undefined || read.root !== root) return null;
  return { ...read, files: new Map(read.files) };
}

/** Writes it, forced to disk: what is known here is not found a second time. */
export function writeWatchState(file: string, state: WatchState): void {
  writeJsonFile(file, { ...state, files: [...state.files] }, { sync: true });
}
