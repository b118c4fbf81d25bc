/**
 * Runs a short helper program to its end. The door of execa.
 *
 * The program gets the environment that it is given and nothing else, is never run through a shell, has a process group
 * of its own that is killed as a whole when its time is up, and can never fill the memory: output over the limit is
 * read and dropped.
 */
import type { Readable } from 'node:stream';
import { ProcessStartError } from './start-error.ts';

export { ProcessStartError };

/** What to run. */
export interface ProcessCall {
  /** program; looked up in the PATH of `env` when it has no slash */
  readonly command: string;
  readonly args: readonly string[];
  /** absolute; must exist */
  readonly cwd: string;
  /** the whole environment; nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
  /** default: empty */
  readonly stdin?: string | Uint8Array;
  /** wall time until the group is terminated; > 0 */
  readonly timeoutMs: number;
  /** bytes kept of stdout, and of stderr; the first ones */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
}

/** How it ended. A non-zero exit is a value, not an error. */
export interface ProcessResult {
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** decoded as UTF-8; what is not UTF-8 becomes U+FFFD */
  readonly stdout: string;
  readonly stderr: string;
  /** whether `timeoutMs` passed */
  readonly timedOut: boolean;
  /** whether output was dropped */
  readonly truncated: boolean;
}

/** How long the group has between SIGTERM and SIGKILL. */
const killDelayMs = 2_000;

/**
 * Runs a program and waits for its end.
 * @throws {ProcessStartError}; the signal's reason when it is aborted (the group is gone by then)
 */
export async function runProcess(call: ProcessCall): Promise<ProcessResult> {
  call.signal?.throwIfAborted();
  // loaded with the first program: most starts of an agent or a command run none
  const { execa } = await import('execa');
  const subprocess = execa(call.command, [...call.args], {
    cwd: call.cwd,
    env: call.env,
    extendEnv: false,
    input: call.stdin ?? '',
    buffer: false,
    reject: false,
    timeout: Math.max(1, Math.ceil(call.timeoutMs)),
    killDescendants: true,
    forceKillAfterDelay: killDelayMs,
    ...(call.signal === undefined ? {} : { cancelSignal: call.signal }),
  });
  const stdout = collect(subprocess.stdout, call.maxOutputBytes);
  const stderr = collect(subprocess.stderr, call.maxOutputBytes);
  const result = await subprocess;
  call.signal?.throwIfAborted();
  if (result.exitCode === undefined && result.signal === undefined && !result.timedOut)
    throw new ProcessStartError(call.command, result.code ?? 'UNKNOWN', result.cause);
  return {
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: stdout.text(),
    stderr: stderr.text(),
    timedOut: result.timedOut,
    truncated: stdout.truncated() || stderr.truncated(),
  };
}

function collect(stream: Readable, maxBytes: number): { text(): string; truncated(): boolean } {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  stream.on('data', (chunk: Buffer) => {
    const room = maxBytes - kept;
    if (chunk.length > room) truncated = true;
    if (room <= 0) return;
    chunks.push(chunk.subarray(0, room));
    kept += Math.min(room, chunk.length);
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => truncated };
}
