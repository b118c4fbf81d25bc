/** Looks at the directory of a run from outside, without changing anything: for people who ask what is left of it. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile } from '../../pkg/files/json-file.ts';
import { isAlive } from '../../pkg/process/proc.ts';
import { type StreamName, streamNames } from '../domain/task.ts';
import type { StreamLoss } from '../executor/executor.ts';
import { readProcessId, runFile } from '../executor/shim/run-files.ts';
import { readLosses } from '../executor/shim/run-losses.ts';
import type { CursorState } from './cursor.ts';
import { hasReceipt, type Receipt, readReceipt, readRecord } from './run-record.ts';

/**
 * What became of a run. `open`: it was not brought to its end yet; `settled`: only its receipt is left; `refused`: the
 * server does not take it, all of it is kept; `strange`: neither record nor receipt can be read, or the receipt is damaged.
 */
export type RunState = 'open' | 'settled' | 'refused' | 'strange';

/** A run, from outside. */
export interface RunLook {
  /** of its directory: `<task>.<attempt>` */
  readonly name: string;
  readonly directory: string;
  readonly state: RunState;
  /** whether its script, or what watches over it, is alive */
  readonly isRunning: boolean;
}

/** Looks at one run. @param runs  the directory of all runs @param name  of the run's own */
export function lookAtRun(runs: string, name: string): RunLook {
  const directory = join(runs, name);
  return { name, directory, ...standing(directory) };
}

function standing(directory: string): Pick<RunLook, 'state' | 'isRunning'> {
  const receipt = read(directory, 'receipt.json', readReceipt);
  if (receipt !== null)
    return { state: receipt.state === 'refused' ? 'refused' : 'settled', isRunning: false };
  // a run with a receipt is not gone on with, also when that cannot be read
  if (hasReceipt(directory) || read(directory, 'task.json', readRecord) === null)
    return { state: 'strange', isRunning: false };
  const idIn = (name: string) => read(directory, name, (place) => readProcessId(place, name));
  // the shim of a container says who it is in there
  const shim = idIn(runFile.init) ?? idIn(runFile.shim);
  return { state: 'open', isRunning: shim !== null && isAlive(shim) };
}

/** What a run directory knows about the output of its run. */
export interface RunEvidence {
  readonly directory: string;
  readonly state: RunState;
  /** of a run that was brought to its end; its `streams` are what the agent reported */
  readonly receipt: Receipt | null;
  /** of the files that the script wrote into; bytes; null: there is no such file any more */
  readonly captured: Readonly<Record<StreamName, number | null>>;
  /** up to here the server had acknowledged; bytes; null: not known */
  readonly acknowledged: Readonly<Record<StreamName, number | null>>;
  /** output that could not be kept, as the run itself wrote it down */
  readonly losses: readonly StreamLoss[];
}

/** Gathers what a run directory knows; null when there is none. */
export function gatherEvidence(directory: string): RunEvidence | null {
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return null;
  const cursor = read(directory, 'cursor.json', (place) => readJsonFile(join(place, 'cursor.json')));
  const streams = (cursor as Partial<CursorState> | null)?.streams;
  const each = <T>(look: (stream: StreamName) => T) =>
    Object.fromEntries(streamNames.map((stream) => [stream, look(stream)])) as Record<StreamName, T>;
  return {
    directory,
    state: standing(directory).state,
    receipt: read(directory, 'receipt.json', readReceipt),
    captured: each((stream) => fileSize(join(directory, stream))),
    acknowledged: each((stream) => {
      const offset: unknown = streams?.[stream]?.offset;
      return typeof offset === 'number' ? offset : null;
    }),
    losses: read(directory, runFile.loss, readLosses) ?? [],
  };
}

/** Reads a regular file of a run only: a FIFO that a script has put there would be waited for. */
function read<T>(directory: string, name: string, how: (directory: string) => T): T | null {
  return fileSize(join(directory, name)) === null ? null : how(directory);
}

function fileSize(path: string): number | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : null;
}
