/** Runs a program beside this one: with its environment, in its process group, and with its output handed on as it comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import { ProcessStartError } from './start-error.ts';

/** What to run. */
export interface ChildCall {
  readonly clock: Pick<Clock, 'after'>;
  /** looked up on PATH when it has no slash */
  readonly command: string;
  readonly args: readonly string[];
  /** absolute; must exist */
  readonly cwd: string;
  /** what it reads; it need not read it */
  readonly stdin: string;
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
  /** between the request to end (SIGTERM) and the end by force; ms */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface ChildEnd {
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/**
 * Runs a program and waits for its end and that of its output. When the signal is aborted it is asked to end, and what it started is
 * its own business.
 * @throws {ProcessStartError} it could not be started
 */
export async function runChild(call: ChildCall): Promise<ChildEnd> {
  const child = spawn(call.command, [...call.args], { cwd: call.cwd, stdio: 'pipe' });
  let cancel = () => {};
  const onAbort = () => {
    child.kill('SIGTERM');
    cancel = call.clock.after(call.graceMs, () => void child.kill('SIGKILL'));
  };
  try {
    const ended = endOf(child, call.command);
    call.signal.addEventListener('abort', onAbort, { once: true });
    if (call.signal.aborted) onAbort();
    for (const name of ['stdout', 'stderr'] as const)
      (child[name] as Readable | null)?.on('data', (bytes: Uint8Array) => call.output(name, bytes));
    // one that has ended reads nothing
    child.stdin?.on('error', () => {});
    child.stdin?.end(call.stdin);
    return await ended;
  } finally {
    call.signal.removeEventListener('abort', onAbort);
    cancel();
  }
}

function endOf(child: ChildProcess, command: string): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) reject(new ProcessStartError(command, error.code ?? 'UNKNOWN', error));
    });
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}
