import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import { diskFaultOf } from './disk-fault.ts';
import { clearRun, type RunRecord, readReceipt, readRecord, receiptKeptMs } from './run-record.ts';

/** A directory with something in it that is no run of ours is left alone for this long, then removed; ms. */
const strayKeptMs = receiptKeptMs;

/**
 * Looks through the runs that a former agent left.
 *
 * @returns those that are not settled, oldest first. Receipts that are old enough are removed; a settled run that was not
 *          cleared to the end is.
 */
export function unsettledRuns(runs: string, clock: Clock): readonly RunRecord[] {
  const found: { record: RunRecord; at: number }[] = [];
  for (const name of readdirSync(runs)) {
    const directory = join(runs, name);
    const receipt = readReceipt(directory);
    const at = modifiedAt(directory);
    if (receipt !== null) {
      if (clock.now() - receipt.at > receiptKeptMs) tidy(() => remove(directory));
      else if (receipt.state !== 'refused') tidy(() => clearRun(directory));
      continue;
    }
    const record = readRecord(directory);
    if (record !== null) found.push({ record, at });
    else if (clock.now() - at > strayKeptMs) tidy(() => remove(directory));
  }
  return found.sort((a, b) => a.at - b.at).map((entry) => entry.record);
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
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
