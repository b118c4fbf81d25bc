import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import type { SessionWire, TaskWire } from '../api/shapes.ts';
import type { ClaimedTask } from '../api/task-source.ts';
import { diskFaultOf } from './disk-fault.ts';
import { makeDirectory } from './make-directory.ts';
import { removeTree } from './remove-tree.ts';
import { receiptShape, recordShape } from './state-shapes.ts';

/** What the agent needs to go on with a run after its own death; `<run>/task.json`, 0600 (it holds the task's token). */
export interface RunRecord {
  readonly version: 1;
  readonly task: TaskWire;
  readonly session: SessionWire;
  readonly attempt: number;
  /** unique over all runs of all agents */
  readonly runId: string;
  readonly token: string | null;
  readonly environment: Readonly<Record<string, string>>;
  /** whether the server is asked what to check out; left out by older versions */
  readonly asksForCheckout?: boolean;
  /** @see ClaimedTask; left out by older versions, and for scripts */
  readonly story?: NonNullable<ClaimedTask['story']>;
  readonly dependencies?: readonly string[];
  /** set just before the script starts; null: it never did */
  readonly started: StartedRun | null;
}

/** Where and when a run began. */
export interface StartedRun {
  /** epoch ms */
  readonly at: number;
  readonly workingDirectory: string;
  readonly artifactsDirectories: readonly string[];
  /** of the machine then; null where it does not tell, left out by older versions */
  readonly bootId?: string | null;
  /** where its checkout stood; null: there was none. Left out by older versions */
  readonly commit?: string | null;
  /** names of what its environment held beside the contract. Left out by older versions */
  readonly variables?: readonly string[];
  /** what is masked in its output, so that the same bytes come out after a restart */
  readonly secrets: readonly string[];
}

/** What stays of a run after its report was acknowledged; `<run>/receipt.json`. */
export interface Receipt {
  readonly version: 1;
  readonly taskId: string;
  readonly attempt: number;
  /** `reported`: the server has it; `superseded`: it no longer wants it; `refused`: it does not take it, all is kept */
  readonly state: 'reported' | 'superseded' | 'refused';
  readonly status: string | null;
  readonly streams: unknown;
  readonly artifacts: unknown;
  /** where it ran, for `keruta undo` and `keruta replay`; null: nowhere. Left out by older versions */
  readonly place?: RunPlace | null;
  /** epoch ms */
  readonly at: number;
}

/** Where a run ran, and with what. */
export interface RunPlace {
  readonly workingDirectory: string;
  readonly commit: string | null;
  /** names only */
  readonly variables: readonly string[];
}

/** What is remembered of where a run ran. */
export function placeOfRun({ workingDirectory, commit = null, variables = [] }: StartedRun): RunPlace {
  return { workingDirectory, commit, variables };
}

/** How long receipts stay; ms. */
export const receiptKeptMs = 7 * 24 * 3600 * 1000;

/** The directory of one attempt. */
export function runDirectory(runs: string, taskId: string, attempt: number): string {
  // the id comes from a server: what is no plain name becomes one, so that it never leads elsewhere
  return join(runs, `${taskId.replace(/[^A-Za-z0-9-]/g, '_').slice(0, 100)}.${attempt}`);
}

/**
 * Makes the record of a claimed task, or renews the one that is there already: the same attempt was claimed again. On a
 * disk that takes nothing it is not written; then the start of the run fails for the same reason, and is reported.
 * @param runId  for a run that is new
 */
export function recordClaim(runs: string, claim: ClaimedTask, runId: string): RunRecord {
  const directory = runDirectory(runs, claim.task.id, claim.attempt);
  const before = readRecord(directory);
  const record: RunRecord = {
    version: 1,
    task: claim.task,
    session: claim.session,
    attempt: claim.attempt,
    runId: before?.runId ?? runId,
    token: claim.token,
    environment: claim.environment,
    asksForCheckout: claim.asksForCheckout ?? false,
    ...(claim.story ? { story: claim.story } : {}),
    ...(claim.dependencies ? { dependencies: claim.dependencies } : {}),
    started: before?.started ?? null,
  };
  try {
    makeDirectory(directory);
    rmSync(join(directory, 'receipt.json'), { force: true });
    writeRecord(directory, record);
  } catch (error) {
    if (diskFaultOf(error) === null) throw error;
  }
  return record;
}

/** Writes `<run>/task.json`. */
export function writeRecord(directory: string, record: RunRecord): void {
  writeJsonFile(join(directory, 'task.json'), record);
}

/** Reads `<run>/task.json`; null when there is none that is whole and that this version understands. */
export function readRecord(directory: string): RunRecord | null {
  const value = readJsonFile(join(directory, 'task.json'));
  return recordShape.safeParse(value).success ? (value as RunRecord) : null;
}

/** Reads `<run>/receipt.json`; null when there is none that is whole and that this version understands. */
export function readReceipt(directory: string): Receipt | null {
  const value = readJsonFile(join(directory, 'receipt.json'));
  return receiptShape.safeParse(value).success ? (value as Receipt) : null;
}

/** Whether there is a receipt, readable or not: the run was brought to its end, and is not begun again. */
export function hasReceipt(directory: string): boolean {
  return lstatSync(join(directory, 'receipt.json'), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Leaves the receipt of a run and removes everything else of it, unless the server refused it: then this is the only copy.
 * The receipt is there before anything is removed.
 */
export function settleRun(directory: string, receipt: Receipt): void {
  makeDirectory(directory);
  writeJsonFile(join(directory, 'receipt.json'), receipt);
  if (receipt.state !== 'refused') clearRun(directory);
}

/** Removes what a settled run left beside its receipt. A restart of the agent finishes what was broken off. */
export function clearRun(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name !== 'receipt.json') removeTree(join(directory, name));
  }
}
