/** The stdin of a run: a FIFO that a holder keeps open until input is closed. */
import { closeSync, constants, existsSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import type { Clock } from '../../../pkg/clock/clock.ts';
import {
  descriptorKey,
  fileKey,
  isPipeReader,
  listDescriptors,
  type ProcessStat,
  readProc,
  signalProcess,
} from '../../../pkg/process/proc.ts';
import { readProcessId, runFile } from './run-files.ts';

/** How long to wait before a pipe that is full, or not there yet, is tried again; ms. */
const retryMs = 5;

/** What the input of a run is made from. */
export interface RunInputParts {
  readonly clock: Clock;
  /** of the run */
  readonly directory: string;
  readonly input: 'none' | 'wait';
  /** asked now and then: whether the run has ended */
  readonly isOver: () => Promise<boolean>;
  /** makes the holder of stdin let go; `input-closed` is there already */
  readonly release: () => Promise<void>;
}

/** Writes one text after another to a script's stdin. Holds no resource. */
export class RunInput {
  readonly #parts: RunInputParts;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(parts: RunInputParts) {
    this.#parts = parts;
  }

  /** @see Run.write */
  write(text: string): Promise<boolean> {
    const write = this.#lastWrite.then(() =>
      this.#parts.input === 'none' ? false : writeInput(this.#parts, text),
    );
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  /** Ends the script's stdin once it has read what was written; harmless the second time. */
  async close(): Promise<void> {
    const { directory, input, release } = this.#parts;
    await this.#lastWrite;
    if (input === 'none' || !existsSync(directory)) return;
    writeFileSync(join(directory, runFile.inputClosed), '', { mode: 0o600 });
    await release();
  }
}

/**
 * Writes all of a text to the script's stdin, as fast as the script reads.
 * @returns false when the run takes no input any more; a part may have been read then
 */
async function writeInput({ clock, directory, isOver: gone }: RunInputParts, text: string): Promise<boolean> {
  const closed = () => existsSync(join(directory, runFile.inputClosed));
  const isOver = async () => closed() || (await gone());
  if (await isOver()) return false;
  let pipe = openInput(directory);
  while (pipe === null) {
    // the run has only begun
    await clock.sleep(retryMs);
    if (await isOver()) return false;
    pipe = openInput(directory);
  }
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) {
      const written = writeSome(pipe, bytes.subarray(done));
      if (written === null) return false;
      done += written;
      if (written > 0) continue;
      await clock.sleep(retryMs);
      if (await isOver()) return false;
    }
    return true;
  } finally {
    closeSync(pipe);
  }
}

function openInput(directory: string): number | null {
  try {
    return openSync(join(directory, runFile.stdin), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** @returns bytes taken; 0 when the pipe is full; null when nobody can ever read them */
function writeSome(pipe: number, bytes: Uint8Array): number | null {
  try {
    return writeSync(pipe, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : null;
  }
}

/** Ends what holds the stdin of a run on this machine open; one that is not there yet looks for `input-closed` when it comes. */
export function killHolder(directory: string): void {
  const holder = readProcessId(directory, runFile.holder);
  if (holder !== null) signalProcess(holder, 'SIGKILL');
}

/** Numbers of the read and readv calls. @see syscalls(2) */
const readCalls: Readonly<Record<string, readonly string[]>> = {
  x64: ['0', '19'],
  arm64: ['63', '65'],
};

/**
 * Whether one of these processes is blocked reading the run's stdin.
 *
 * The kernel names call and descriptor (`syscall`) to whoever may trace the process. To others it may still name the
 * place where it sleeps (`wchan`): then a process counts that sleeps in a pipe, has our stdin as its own, and reads no
 * other pipe (a shell in `$(…)` does).
 *
 * @returns null when the machine tells of none of the processes that could
 */
export function findInputReader(directory: string, scripts: readonly ProcessStat[]): boolean | null {
  const key = fileKey(join(directory, runFile.stdin));
  if (key === null) return false;
  let known = false;
  let asked = false;
  for (const { pid } of scripts) {
    if (descriptorKey(pid, 0) !== key && !listDescriptors(pid).some((fd) => descriptorKey(pid, fd) === key)) {
      continue;
    }
    asked = true;
    const answer = isReading(pid, key);
    if (answer === true) return true;
    known ||= answer !== null;
  }
  return asked && !known ? null : false;
}

function isReading(pid: number, key: string): boolean | null {
  let told = false;
  for (const thread of threadsOf(pid)) {
    const call = readProc(`${pid}/task/${thread}/syscall`)?.split(' ');
    const calls = readCalls[arch];
    if (call?.[0] !== undefined && call[0] !== '' && calls !== undefined) {
      told = true;
      if (calls.includes(call[0]) && descriptorKey(pid, Number(call[1])) === key) return true;
      continue;
    }
    const place = readProc(`${pid}/task/${thread}/wchan`)?.trim() ?? '';
    if (place === '') continue;
    // "0": awake, or hidden
    told ||= place !== '0';
    if (place.includes('pipe_read') && readsOnly(pid, key)) return true;
  }
  return told ? false : null;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).slice(0, 64);
  } catch {
    return [];
  }
}

function readsOnly(pid: number, key: string): boolean {
  const readers = listDescriptors(pid).filter((descriptor) => isPipeReader(pid, descriptor));
  return readers.length > 0 && readers.every((descriptor) => descriptorKey(pid, descriptor) === key);
}
