/** Starts shims at once. What starts them ahead of time is in nursery.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessId, readStat } from '../../../pkg/process/proc.ts';
import { InputError, UnavailableError } from '../../domain/errors.ts';
import { runFile } from '../shim/run-files.ts';
import type { ShimPrograms } from './programs.ts';

/** What every shim needs. */
export interface ShimPlace {
  readonly programs: ShimPrograms;
  /** file of the shim's text */
  readonly shimFile: string;
  /** file mode mask that the script gets */
  readonly umask: number;
}

/** What a shim shall run. */
export interface Launch {
  readonly directory: string;
  readonly workingDirectory: string;
  readonly input: 'none' | 'wait';
  /** program and arguments, the script file last */
  readonly command: readonly string[];
  /** the whole environment */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a shim in a run's directory.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when the environment is too large for the kernel
 */
export function launchRun(place: ShimPlace, launch: Launch): ProcessId {
  mkdirSync(join(launch.directory, runFile.pipes), { recursive: true, mode: 0o700 });
  const words = [launch.workingDirectory, launch.input, ...launch.command];
  const { directory: cwd, env } = launch;
  const child = spawnShim(place, { mode: 'run', words }, { cwd, env, stdio: 'ignore' });
  return identify(child);
}

interface SpawnChoice {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdio: 'ignore' | ('pipe' | 'ignore')[];
}

/**
 * Starts the program of shims, in a session of its own; this process may end before it.
 * @param shell  program and arguments that read the shim's file
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL; {InputError} KERUTA_ERR_BAD_VALUE
 */
export function spawnShim(
  { programs, shimFile, umask }: ShimPlace,
  {
    shell = programs.shell,
    mode,
    words,
  }: { readonly shell?: readonly string[]; readonly mode: string; readonly words: readonly string[] },
  choice: SpawnChoice,
): ChildProcess {
  const { cat, sleep, mkfifo } = programs;
  const [program = '/bin/sh', ...options] = shell;
  const own = [shimFile, mode, cat, sleep, mkfifo, umask.toString(8).padStart(4, '0')];
  const child = startChild(program, [...options, ...own, ...words], choice);
  child.on('error', () => {});
  child.unref();
  if (child.pid !== undefined) return child;
  throw new UnavailableError(
    'KERUTA_ERR_DISK_FULL',
    `cannot start the shell ${program} in ${choice.cwd}: check that both are there and that the machine takes more processes`,
  );
}

function startChild(program: string, args: readonly string[], choice: SpawnChoice): ChildProcess {
  try {
    return spawn(program, args, { ...choice, env: { ...choice.env }, detached: true });
  } catch (cause) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'the environment of the script is not one that the kernel takes (a value of 128 KiB or more, all of it over the limit, or a NUL byte); hand large values over in a file',
      { cause },
    );
  }
}

function identify(child: ChildProcess): ProcessId {
  const pid = child.pid ?? 0;
  return { pid, startTicks: readStat(pid)?.startTicks ?? null };
}
