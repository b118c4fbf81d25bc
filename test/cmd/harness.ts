import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Writer } from '../../cmd/keruta/command.ts';
import type { ProcessParts } from '../../cmd/keruta/context.ts';
import { runCli } from '../../cmd/keruta/run-cli.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { systemRandom } from '../../pkg/random/random.ts';

/** What a command line came to. */
export interface CliResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly home?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly stdinIsTerminal?: boolean;
  /** handed the function that plays a signal */
  readonly onReady?: (stop: (name: 'SIGINT' | 'SIGTERM') => void) => void;
  /** told everything that is written to stdout, as it comes */
  readonly onOutput?: (text: string) => void;
  /** the same of stderr */
  readonly onError?: (text: string) => void;
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a command line in this process, with captured writers and an environment of its own. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const chunks: { out: Uint8Array[]; err: Uint8Array[] } = { out: [], err: [] };
  const writer = (name: 'out' | 'err'): Writer => ({
    write: async (chunk) => {
      chunks[name].push(typeof chunk === 'string' ? Buffer.from(chunk) : Uint8Array.from(chunk));
      const listener = name === 'out' ? options.onOutput : options.onError;
      listener?.(Buffer.from(chunk as string).toString());
    },
    isTerminal: options.isTerminal ?? false,
    columns: 100,
  });
  const listeners = new Set<(name: 'SIGINT' | 'SIGTERM', count: number) => void>();
  const stop = new AbortController();
  let count = 0;
  options.onReady?.((name) => {
    count += 1;
    if (listeners.size === 0) stop.abort(new DOMException('stopped', 'AbortError'));
    for (const listener of listeners) listener(name, count);
  });
  const home = options.home ?? temporaryDirectory();
  const parts: ProcessParts = {
    stdout: writer('out'),
    stderr: writer('err'),
    stdin: (async function* () {
      yield Buffer.from(options.stdin ?? '');
    })(),
    stdinIsTerminal: options.stdinIsTerminal ?? false,
    env: options.env ?? {},
    cwd: options.cwd ?? home,
    home,
    uid: process.getuid?.() ?? 0,
    version: '9.9.9',
    clock: systemClock,
    random: systemRandom,
    signal: stop.signal,
    takeSignals: () => {},
    onStop: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const status = await runCli(argv, parts);
  const text = (name: 'out' | 'err') => Buffer.concat(chunks[name]).toString('utf8');
  return { status, out: text('out'), err: text('err') };
}
