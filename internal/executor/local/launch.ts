/** Starts shims: at once (`launchRun`), or ahead of time (`launchSpare`) so that a start is one line over a socket. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ProcessId, readStat } from '../../../pkg/process/proc.ts';
import { InputError, UnavailableError } from '../../domain/errors.ts';
import type { ShimPrograms } from './programs.ts';
import { runFile } from './run-files.ts';

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
  const child = spawnShim(place, 'run', words, { cwd: launch.directory, env: launch.env, stdio: 'ignore' });
  return identify(child);
}

/** A shim that has everything but its run. */
export interface Spare {
  /** Whether it can take a run now. */
  isReady(): boolean;
  /** Gives it its run. @returns null when it could not take it; then nothing has happened */
  use(launch: Launch): ProcessId | null;
  /** Ends it, when it has no run. */
  discard(): void;
}

/** Shell text that a spare is given; more than any environment needs that is worth the hurry. */
const maxTextBytes = 512 * 1024;

/**
 * Starts a shim that waits. It ends by itself when this process does.
 * @param directory  a new directory for it, on the file system of the runs
 * @returns null where the machine has no memory files, or no shim could be started
 */
export function launchSpare(place: ShimPlace, directory: string): Spare | null {
  const text = openMemoryFile();
  if (text === null) return null;
  let child: ChildProcess;
  try {
    mkdirSync(join(directory, runFile.pipes), { recursive: true, mode: 0o700 });
    const stdio = ['pipe', 'ignore', 'ignore', text] as const;
    child = spawnShim(place, 'spare', [], { cwd: directory, env: {}, stdio: [...stdio] });
  } catch {
    closeSync(text);
    return null;
  }
  child.stdin?.on('error', () => {});
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  const state = { text, child, directory, over: false };
  return {
    isReady: () => !state.over && isReady(child, directory),
    use: (launch) => (state.over || !isReady(child, directory) ? null : useSpare(state, launch)),
    discard: () => {
      if (!state.over) endSpare(state);
    },
  };
}

interface SpareState {
  readonly text: number;
  readonly child: ChildProcess;
  readonly directory: string;
  over: boolean;
}

/** Both writers have opened their streams, so these may be moved. */
function isReady(child: ChildProcess, directory: string): boolean {
  const alive = child.exitCode === null && child.signalCode === null;
  return alive && [runFile.stdout, runFile.stderr].every((name) => existsSync(join(directory, name)));
}

function useSpare(state: SpareState, launch: Launch): ProcessId | null {
  const text = shellText(launch);
  if (text === null) return null;
  const bytes = Buffer.from(text);
  if (bytes.length > maxTextBytes) return null;
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(state.text, bytes, done);
    for (const name of [runFile.pipes, runFile.stdout, runFile.stderr]) {
      renameSync(join(state.directory, name), join(launch.directory, name));
    }
  } catch {
    // another file system, or the spare's files were deleted: start cold
    endSpare(state);
    for (const name of [runFile.pipes, runFile.stdout, runFile.stderr]) {
      rmSync(join(launch.directory, name), { recursive: true, force: true });
    }
    return null;
  }
  const id = identify(state.child);
  state.child.stdin?.end('go\n');
  state.over = true;
  closeSync(state.text);
  rmSync(state.directory, { recursive: true, force: true });
  return id;
}

function endSpare(state: SpareState): void {
  state.over = true;
  state.child.stdin?.destroy();
  closeSync(state.text);
  rmSync(state.directory, { recursive: true, force: true });
}

/** What a shell assigns by itself, or reads as its own setting. */
const shellsOwn =
  /^(IFS|PS4|ENV|BASH.*|SHELLOPTS|POSIXLY_CORRECT|TMOUT|E?UID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|LINENO|FUNCNAME|DIRSTACK|EPOCH.*|HISTCMD|OPTIND|OPTARG|PIPESTATUS|k_.*)$/;

/** The run as shell text; null when a variable cannot be set that way. */
function shellText(launch: Launch): string | null {
  const lines = [`cd ${quote(launch.directory)} || exit 1`];
  for (const [name, value] of Object.entries(launch.env)) {
    // every shell sets it anew for each command
    if (name === '_') continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || shellsOwn.test(name) || value.includes('\0')) return null;
    lines.push(`export ${name}=${quote(value)}`);
  }
  const words = [launch.workingDirectory, launch.input, ...launch.command];
  lines.push(`set -- ${words.map(quote).join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @see open(2), O_TMPFILE: a file without a name, here in memory; Node has no constant for it */
function openMemoryFile(): number | null {
  const unnamed = 0o20000000 | constants.O_DIRECTORY;
  try {
    return openSync('/dev/shm', unnamed | constants.O_RDWR, 0o600);
  } catch {
    return null;
  }
}

interface SpawnChoice {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdio: 'ignore' | ('pipe' | 'ignore' | number)[];
}

function spawnShim(
  place: ShimPlace,
  mode: string,
  words: readonly string[],
  choice: SpawnChoice,
): ChildProcess {
  const { shell, cat, sleep, mkfifo } = place.programs;
  const [program = '/bin/sh', ...options] = shell;
  const own = [place.shimFile, mode, cat, sleep, mkfifo, place.umask.toString(8).padStart(4, '0')];
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
