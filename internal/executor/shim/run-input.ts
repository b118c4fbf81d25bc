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

/**
 * Writes all of a text to the script's stdin, as fast as the script reads.
 * @param gone  asked now and then: whether the run has ended
 * @returns false when the run takes no input any more; a part may have been read then
 */
export async function writeInput(
  clock: Clock,
  directory: string,
  text: string,
  gone: () => Promise<boolean>,
): Promise<boolean> {
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

/** Ends the script's stdin once it has read what was written; harmless the second time. */
export function closeRunInput(directory: string): void {
  writeFileSync(join(directory, runFile.inputClosed), '', { mode: 0o600 });
  // a holder that is not there yet looks for the file when it comes
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
