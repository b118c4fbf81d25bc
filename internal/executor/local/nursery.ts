/** Makes shims ahead of time, so that a start is a few file operations and one line in a pipe. */
import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessId, readStat, signalProcess } from '../../../pkg/process/proc.ts';
import { readProcessId, runFile } from '../shim/run-files.ts';
import { type Launch, type ShimPlace, spawnShim } from './launch.ts';
import { shellText } from './launch-text.ts';

/** A shim that has everything but its run. */
export interface Spare {
  /** Whether it can take a run now. */
  isReady(): boolean;
  /** Gives it its run. @returns null when it could not take it; then nothing has happened */
  use(launch: Launch): ProcessId | null;
  /** Ends it, when it has no run. Twice is once. */
  discard(): void;
}

/** A small process that forks spares: an agent with all its memory would take several ms for each. */
export interface Nursery {
  /** Whether it still takes orders. */
  isOpen(): boolean;
  /**
   * Orders a spare; it is ready a few ms later.
   * @param directory  a new directory for it, on the file system of the runs
   * @returns null where the machine has no memory files
   */
  order(directory: string): Spare | null;
  /** Ends it, and a spare that has no run. It also ends by itself when this process does. */
  close(): void;
}

/** Shell text that a spare is given; more than any environment needs that is worth the hurry. */
const maxTextBytes = 512 * 1024;

/**
 * Opens a nursery.
 * @param directory  of the state of the executor; there
 * @returns null where a program is missing that it takes: bash (other shells make children deaf to SIGINT) or setsid
 */
export function openNursery(place: ShimPlace, directory: string): Nursery | null {
  const { bash, setsid, shell } = place.programs;
  if (bash === null || setsid === null) return null;
  const words = [setsid, ...shell, place.shimFile];
  const stdio = ['pipe', 'ignore', 'ignore'] as const;
  const asked = { shell: [bash, '-p'], mode: 'nursery', words };
  const child = spawnShim(place, asked, { cwd: directory, env: {}, stdio: [...stdio] });
  const { stdin } = child;
  stdin?.on('error', () => {});
  (stdin as unknown as { unref?: () => void } | null)?.unref?.();
  const isOpen = () => isRunning(child) && stdin?.writable === true;
  return {
    isOpen,
    order: (spare) => {
      const text = openMemoryFile();
      if (text === null) return null;
      try {
        mkdirSync(join(spare, runFile.pipes), { recursive: true, mode: 0o700 });
        stdin?.write(`${spare}\n/proc/${process.pid}/fd/${text}\n`);
      } catch (error) {
        closeSync(text);
        throw error;
      }
      return new WaitingSpare(spare, text);
    },
    close: () => void stdin?.end(),
  };
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

class WaitingSpare implements Spare {
  readonly #directory: string;
  readonly #text: number;
  #over = false;

  constructor(directory: string, text: number) {
    this.#directory = directory;
    this.#text = text;
  }

  isReady(): boolean {
    return !this.#over && this.#identity() !== null;
  }

  use(launch: Launch): ProcessId | null {
    const id = this.#over ? null : this.#identity();
    const text = id === null ? null : shellText(launch);
    if (id === null || text === null) return null;
    const bytes = Buffer.from(text);
    if (bytes.length > maxTextBytes) return null;
    let go: number;
    try {
      go = this.#openGo();
    } catch {
      // it was killed: nobody reads
      this.discard();
      return null;
    }
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#text, bytes, done);
      for (const name of [runFile.pipes, runFile.stdout, runFile.stderr]) {
        renameSync(join(this.#directory, name), join(launch.directory, name));
      }
      writeSync(go, 'go\n');
    } catch {
      // another file system, or the spare's files were deleted: start cold
      tell(go, 'end\n');
      this.#end();
      for (const name of [runFile.pipes, runFile.stdout, runFile.stderr]) {
        rmSync(join(launch.directory, name), { recursive: true, force: true });
      }
      return null;
    } finally {
      closeSync(go);
    }
    this.#end();
    return id;
  }

  discard(): void {
    if (this.#over) return;
    endSpare(this.#directory);
    this.#end();
  }

  /** Who it is, once both writers have opened their streams, so that these may be moved. */
  #identity(): ProcessId | null {
    const id = readProcessId(this.#directory, runFile.ready);
    const opened = [runFile.stdout, runFile.stderr].every((name) => existsSync(join(this.#directory, name)));
    return opened ? id : null;
  }

  /** @throws ENXIO when the spare does not live any more */
  #openGo(): number {
    return openSync(join(this.#directory, runFile.go), constants.O_WRONLY | constants.O_NONBLOCK);
  }

  #end(): void {
    this.#over = true;
    closeSync(this.#text);
    try {
      // a spare that has not heard yet may still be making files here
      rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 2 });
    } catch {
      // the next agent removes it
    }
  }
}

/** Tells the spare of a directory to end; one that cannot hear that yet finds `over` when it can. */
function endSpare(directory: string): void {
  try {
    closeSync(openSync(join(directory, runFile.over), 'w', 0o600));
    const go = openSync(join(directory, runFile.go), constants.O_WRONLY | constants.O_NONBLOCK);
    tell(go, 'end\n');
    closeSync(go);
  } catch {
    // not there yet, or not any more
  }
}

function tell(pipe: number, line: string): void {
  try {
    writeSync(pipe, line);
  } catch {
    // nobody reads it
  }
}

/** Spares of this process. */
let spares = 0;

/**
 * A directory for a new spare, with a name that was never one before: the maker of a spare that was given up may be so slow
 * that it begins only now, and would share the pipes of whoever has its directory. The pid alone would not do either: in a
 * container every agent has the same one, and would take over what the one before it left there.
 * @param state  directory of the state of the executor
 */
export function newSpareDirectory(state: string): string {
  const owner = `spare-${process.pid}-${readStat(process.pid)?.startTicks ?? 0}`;
  for (;;) {
    spares += 1;
    const directory = join(state, `${owner}-${spares}`);
    if (!existsSync(directory)) return directory;
  }
}

/** Removes what agents that died left of their spares; such a spare has ended, unless its nursery was killed too. */
export function removeOldSpares(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, pid, startTicks] = /^spare-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    if (pid === undefined || isAlive({ pid: Number(pid), startTicks: Number(startTicks) || null })) continue;
    const spare = join(directory, name);
    const id = readProcessId(spare, runFile.ready);
    // one whose pipes were moved has a run by now: its agent died before it could remove what is left here
    const isSpare = existsSync(join(spare, runFile.pipes));
    if (isSpare && id !== null && id.startTicks !== null) signalProcess(id, 'SIGKILL');
    rmSync(spare, { recursive: true, force: true });
  }
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
