/**
 * Runs a program whose output is handed on as it comes, and ends it with everything that came from it.
 *
 * The program leads a session of its own. What belongs to it is found by a marker in its environment, by its session, by what it prints
 * to and by parents, so that a child that hides from one of them is found by another. Without /proc only its process group is ended.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import type { Confined } from './confine.ts';
import { readStat } from './proc.ts';
import { ProcessStartError } from './run.ts';
import { endProcesses, killGroup, memoryOf, outputsOf, type Tree } from './tree.ts';

/** What to run. */
export interface LiveCall {
  readonly clock: Clock;
  /** looked up in the PATH of `env` when it has no slash */
  readonly command: string;
  readonly args: readonly string[];
  /** absolute; must exist */
  readonly cwd: string;
  /** the whole environment; nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
  /** `NAME=value` of `env` that no other program has */
  readonly marker: string;
  /** what it reads; default: nothing. It need not read it */
  readonly stdin?: string;
  /** gets each piece as it comes; nothing more is read of the stream until it resolves */
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  /** after this time it is ended; ms; null = never */
  readonly timeoutMs: number | null;
  /** between the request to end and the end by force; ms */
  readonly graceMs: number;
  /** limits of it and all that it starts; default: none */
  readonly confined?: Confined;
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface LiveEnd {
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** what ended it, when it did not end by itself */
  readonly stopped: 'timeout' | 'signal' | 'memory' | null;
  /** whether it, or something that it had started, was ended because memory ran out: by the kernel, or here */
  readonly outOfMemory: boolean;
  /** resolves when nobody can write output any more: what was left in the background may do so */
  readonly drained: Promise<unknown>;
  /** Ends what is left of it, at once. @returns how many processes there were */
  readonly endRest: () => Promise<number>;
}

/** How long no output may come after the end before nothing more is expected of the program itself; ms. */
const quietMs = 50;

/**
 * Runs a program and waits for its own end, not for what it left in the background. When it was stopped, nothing is alive that came
 * from it.
 * @throws {ProcessStartError} it could not be started
 */
export async function runLive(call: LiveCall): Promise<LiveEnd> {
  const { clock } = call;
  const child = start(call);
  const root =
    child.pid === undefined ? null : { pid: child.pid, startTicks: readStat(child.pid)?.startTicks ?? null };
  const tree = { marker: call.marker, root, outputs: outputsOf(root?.pid ?? 0) };
  let lastOutputAt = clock.monotonicMs();
  let writing = 0;
  // with no descriptors left there are no streams, whatever the types say
  const pump = async (stream: Readable | null, name: 'stdout' | 'stderr') => {
    for await (const piece of stream ?? []) {
      writing++;
      await call.output(name, piece as Uint8Array);
      writing--;
      lastOutputAt = clock.monotonicMs();
    }
  };
  let hasEnded = false;
  const drained = Promise.allSettled([pump(child.stdout, 'stdout'), pump(child.stderr, 'stderr')]).finally(
    () => {
      hasEnded = true;
    },
  );
  const exited = new Promise<{ readonly exitCode: number | null; readonly signal: string | null }>(
    (done, fail) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        fail(new ProcessStartError(call.command, error.code ?? 'UNKNOWN', error)),
      );
      child.once('exit', (exitCode, signal) => done({ exitCode, signal }));
    },
  );

  let stopped: LiveEnd['stopped'] = null;
  let ending: Promise<unknown> | null = null;
  const stop = (why: 'timeout' | 'signal' | 'memory') => {
    stopped ??= why;
    // who takes more memory with every moment is not asked first
    ending ??= endProcesses({ clock, ...tree, graceMs: why === 'memory' ? 0 : call.graceMs });
  };
  const killsBefore = call.confined?.oomKills() ?? null;
  const maxBytes = call.confined?.isWatched === true ? call.confined.memoryBytes : null;
  const stopWatching = watchMemory(clock, { tree, maxBytes, over: () => stop('memory') });
  const onAbort = () => stop('signal');
  // this process may be ended at any place, such as by a reader of its output that went away
  const onExit = () => child.pid !== undefined && killGroup(child.pid);
  process.once('exit', onExit);
  const forget = call.timeoutMs === null ? () => {} : clock.after(call.timeoutMs, () => stop('timeout'));
  call.signal.addEventListener('abort', onAbort, { once: true });
  if (call.signal.aborted) onAbort();
  try {
    const end = await exited;
    await ending;
    lastOutputAt = clock.monotonicMs();
    while (!hasEnded && (writing > 0 || clock.monotonicMs() - lastOutputAt < quietMs))
      await Promise.race([drained, clock.sleep(quietMs / 5)]);
    // what goes on in the background does not keep this process alive
    child.unref();
    const kills = call.confined?.oomKills() ?? null;
    const outOfMemory = stopped === 'memory' || (kills !== null && kills > (killsBefore ?? 0));
    return {
      ...end,
      stopped,
      outOfMemory,
      drained,
      endRest: () => endProcesses({ clock, ...tree, graceMs: 0 }),
    };
  } finally {
    forget();
    stopWatching();
    process.off('exit', onExit);
    call.signal.removeEventListener('abort', onAbort);
  }
}

function start(call: LiveCall) {
  const { stdin } = call;
  const through = call.confined?.through ?? [];
  // what stands before it would only say so by its status
  if (through.length > 0) checkProgram(call);
  const [command, ...args] = [...through, call.command, ...call.args] as [string, ...string[]];
  try {
    const child = spawn(command, args, {
      cwd: call.cwd,
      env: call.env,
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    // a program need not read what it is given
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
    return child;
  } catch (cause) {
    // too long an argument list is told at once, not by an event
    throw new ProcessStartError(call.command, (cause as NodeJS.ErrnoException).code ?? 'UNKNOWN', cause);
  }
}

/** How often memory is measured; ms. */
const measureEveryMs = 500;

/** Calls back when all of it has had more memory than it may twice in a row: a moment's copy of a large program is not what was taken. */
function watchMemory(
  clock: Clock,
  {
    tree,
    maxBytes,
    over,
  }: { readonly tree: Tree; readonly maxBytes: number | null; readonly over: () => void },
): () => void {
  if (maxBytes === null) return () => {};
  let wasOver = false;
  const look = () => {
    const isOver = memoryOf(tree) > maxBytes;
    if (isOver && wasOver) return over();
    wasOver = isOver;
    cancel = clock.after(measureEveryMs, look);
  };
  let cancel = clock.after(measureEveryMs, look);
  return () => cancel();
}

/** @throws {ProcessStartError} */
function checkProgram({ command, cwd, env }: LiveCall): void {
  const files = command.includes('/')
    ? [resolve(cwd, command)]
    : (env.PATH ?? '').split(':').map((folder) => join(resolve(cwd, folder), command));
  const isThere = files.some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
  if (isThere) return;
  const code = files.some((file) => existsSync(file)) ? 'EACCES' : 'ENOENT';
  throw new ProcessStartError(command, code, new Error(`${code}: ${command}`));
}
