/** Makes calls of a process that runs already fail as they do on a bad disk, by strace, for as long as a test wants. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { until } from '../../e2e/place.ts';
import { has } from './processes.ts';

/** Whether that can be done here: another's process is attached to by root alone, on most machines. */
export const canFailCalls = has('strace') && process.getuid?.() === 0;

/** What fails. */
export interface Failure {
  /** of the process; all of its threads */
  readonly pid: number;
  /** names of calls of the system */
  readonly calls: readonly string[];
  /** only those on this file; absolute; default: all of them */
  readonly path?: string;
}

/** Lets those calls fail with EIO, without being made, from when this returns until what it returns is called. */
export async function failCalls({ pid, calls, path }: Failure): Promise<() => Promise<void>> {
  const where = path === undefined ? [] : ['-P', path];
  const what = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`];
  const words = ['-f', '-qq', '-o', '/dev/null', ...where, ...what, '-p', String(pid)];
  const strace: ChildProcess = spawn('strace', words, { stdio: 'ignore' });
  const ended = once(strace, 'exit');
  onTestFinished(() => void strace.kill('SIGKILL'));
  await until('every thread is held by strace', () => {
    const by = tracers(pid);
    return by.length > 0 && by.every((tracer) => tracer === strace.pid);
  });
  return async () => {
    strace.kill('SIGINT');
    await ended;
  };
}

/** The pids of who traces each thread of a process; 0 = nobody. */
function tracers(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return [Number(/^TracerPid:\s*(\d+)/m.exec(status)?.[1])];
    } catch {
      // it has ended meanwhile
      return [];
    }
  });
}
