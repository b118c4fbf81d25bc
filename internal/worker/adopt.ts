import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import { diskFaultOf } from './disk-fault.ts';
import { removeTree } from './remove-tree.ts';
import {
  clearRun,
  hasReceipt,
  type RunRecord,
  readReceipt,
  readRecord,
  receiptKeptMs,
  runDirectory,
} from './run-record.ts';

/** A directory with something in it that is no run of ours is left alone for this long, then removed; ms. */
const strayKeptMs = receiptKeptMs;

/**
 * Looks through the runs that a former agent left.
 *
 * @returns those that are not settled, oldest first. Receipts that are old enough are removed; a settled run that was not
 *          cleared to the end is. What is damaged is no run: it is left alone until it is old.
 */
export function unsettledRuns(runs: string, clock: Clock): readonly RunRecord[] {
  const found: { record: RunRecord; at: number }[] = [];
  for (const name of readdirSync(runs)) {
    const directory = join(runs, name);
    const receipt = readReceipt(directory);
    const at = modifiedAt(directory);
    if (receipt !== null) {
      if (clock.now() - receipt.at > receiptKeptMs) tidy(() => removeTree(directory));
      else if (receipt.state !== 'refused') tidy(() => clearRun(directory));
      continue;
    }
    const record = hasReceipt(directory) ? null : recordOf(runs, name);
    if (record !== null) found.push({ record, at });
    else if (clock.now() - at > strayKeptMs) tidy(() => removeTree(directory));
  }
  return found.sort((a, b) => a.at - b.at).map((entry) => entry.record);
}

/**
 * The runs whose record is there and cannot be read: a bad disk, or a stranger. They are left as they are; what runs
 * there is not known.
 * @returns their directories
 */
export function unreadableRuns(runs: string): readonly string[] {
  return readdirSync(runs)
    .filter((name) => !hasReceipt(join(runs, name)) && recordOf(runs, name) === null)
    .map((name) => join(runs, name))
    .filter((directory) => modifiedAt(join(directory, 'task.json')) > 0);
}

/** The record of a run, if it is about the directory that it stands in: what is said there about another is damage. */
function recordOf(runs: string, name: string): RunRecord | null {
  const record = readRecord(join(runs, name));
  if (record === null || runDirectory(runs, record.task.id, record.attempt) !== join(runs, name)) return null;
  return record;
}

/** What a disk does not let go of now is tidied another time. */
function tidy(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (diskFaultOf(error) === null) throw error;
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
