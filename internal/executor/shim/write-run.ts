/** Writes a run's directory, before anything starts in it. */
import { chmodSync, mkdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { countOomKills } from '../../../pkg/process/oom.ts';
import { bootId } from '../../../pkg/process/proc.ts';
import { NotFoundError, UnavailableError } from '../../domain/errors.ts';
import type { RunSpec } from '../executor.ts';
import type { PreparedScript } from './interpreter.ts';
import { type RunRecord, runFile } from './run-files.ts';

/** Space without which no run is started; bytes. */
const minFreeBytes = 1024 * 1024;

/** Refuses a run that has no place to work. @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND */
export function checkWorkingDirectory({ workingDirectory }: RunSpec): void {
  if (statSync(workingDirectory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new NotFoundError(
    'KERUTA_ERR_FILE_NOT_FOUND',
    `the working directory ${workingDirectory} is not a directory; check out the repository again`,
  );
}

/** A run that is about to start. */
export interface RunStart {
  readonly clock: Clock;
  readonly spec: RunSpec;
  readonly script: PreparedScript;
  /** @see RunRecord */
  readonly container: string | null;
  /** @see RunRecord; default null */
  readonly job?: string;
}

/**
 * Makes a run's directory and writes script, mailbox and record into it; what a start that was broken off left there is
 * removed.
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL
 */
export function writeRun({ clock, spec, script, container, job }: RunStart): RunRecord {
  const { directory } = spec;
  const { text, interpreter } = script;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const space = statfsSync(directory);
  if (space.bavail * space.bsize < minFreeBytes + text.length) throw diskFull(directory);
  // left by a start that was broken off before anything ran
  for (const name of [runFile.pipes, runFile.stdout, runFile.stderr, runFile.spec]) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
  const record: RunRecord = {
    version: 1,
    runId: spec.runId,
    workingDirectory: spec.workingDirectory,
    input: spec.input,
    interpreter: [...interpreter],
    env: Object.keys(spec.env),
    bootId: bootId(),
    createdAt: clock.now(),
    oom: countOomKills(),
    container,
    job: job ?? null,
  };
  writeFileSync(join(directory, runFile.script), text, { mode: 0o600 });
  // there before the script: who appends first would make it by the script's own file mode mask
  writeFileSync(join(directory, runFile.mailbox), '', { mode: 0o600, flag: 'a' });
  writeFileSync(join(directory, runFile.spec), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  return record;
}

function diskFull(directory: string, cause?: unknown): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_DISK_FULL',
    `there is no space left for the run in ${directory}; free some, the task can be tried again`,
    { cause },
  );
}

/** The error of a start that failed: one for want of space says so. */
export function withoutSpace(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(directory, error) : error;
}
