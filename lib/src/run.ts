import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { InputError, UnavailableError } from '../../internal/domain/errors.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { runChild } from '../../pkg/process/run-child.ts';
import { ProcessStartError } from '../../pkg/process/start-error.ts';
import type { RunnerConfig, RunnerResult, RunOptions, TaskContext } from './runner-types.ts';

/** The runner ends its own work, and gives the slot back; ms. */
const graceMs = 60_000;

/**
 * Does one agent task from the first fetch to the pushed branch: the same as `keruta runner run`, which it starts as a process of its
 * own. What the task needs of the environment (keys, tokens, PATH) is that of this process.
 *
 * @param context  what is wanted
 * @param config  how it is done; default: by the defaults of `runner.yaml`
 * @returns what it came to; a task that failed is a result too
 * @throws {InputError} KERUTA_ERR_CONFIG when the configuration has faults, KERUTA_ERR_CONFIG_MISSING when there is no keruta;
 *   {UnavailableError} KERUTA_ERR_SERVICE when the runner ended without a result; the reason of the signal when that is aborted
 */
export async function run(
  context: TaskContext,
  config: RunnerConfig = {},
  options: RunOptions = {},
): Promise<RunnerResult> {
  const { executable = ownExecutable(), signal = new AbortController().signal, onLog = () => {} } = options;
  signal.throwIfAborted();
  const cwd = resolve(options.cwd ?? '.');
  const scratch = mkdtempSync(join(tmpdir(), 'keruta-run-'));
  const output: Buffer[] = [];
  const said: string[] = [];
  const decoder = new StringDecoder('utf8');
  const hear = (text: string) => {
    if (text === '') return;
    said.push(text);
    onLog(text);
  };
  try {
    const configFile = join(scratch, 'config.json');
    writeFileSync(configFile, JSON.stringify(withPlaces(config, cwd)), { mode: 0o600 });
    const { exitCode } = await runChild({
      clock: systemClock,
      command: executable,
      args: ['runner', 'run', '--file', '-', '--config', configFile, '--json', ...wordsOf(options, cwd)],
      cwd,
      stdin: JSON.stringify(context),
      output: (stream, bytes) => {
        if (stream === 'stdout') output.push(Buffer.from(bytes));
        else hear(decoder.write(Buffer.from(bytes)));
      },
      graceMs,
      signal,
    });
    hear(decoder.end());
    signal.throwIfAborted();
    const result = readResult(Buffer.concat(output).toString('utf8'));
    if (result !== null) return result;
    throw refusal(said.join(''), exitCode);
  } catch (error) {
    if (!(error instanceof ProcessStartError)) throw error;
    throw new InputError(
      'KERUTA_ERR_CONFIG_MISSING',
      `run: expected the keruta executable, got ${executable}, which cannot be started (${error.code}); put keruta on PATH, or name it: { executable }`,
      { cause: error },
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A file that runs inside of keruta has it at hand. */
function ownExecutable(): string {
  return basename(process.execPath) === 'keruta' ? process.execPath : 'keruta';
}

function wordsOf(options: RunOptions, cwd: string): readonly string[] {
  const { stateDirectory, artifactsDirectory, allowLocalGit } = options;
  return [
    ...(stateDirectory === undefined ? [] : ['--state', resolve(cwd, stateDirectory)]),
    ...(artifactsDirectory === undefined ? [] : ['--artifacts-dir', resolve(cwd, artifactsDirectory)]),
    ...(allowLocalGit === true ? ['--allow-local-git'] : []),
  ];
}

/** A program of a coding agent that is named by a relative path stands below the directory of the call. */
function withPlaces(config: RunnerConfig, cwd: string): RunnerConfig {
  const { coder } = config;
  const command = coder?.command;
  if (typeof command !== 'string' || !command.includes('/')) return config;
  return { ...config, coder: { ...coder, command: resolve(cwd, command) } };
}

/** The answer of `--json`, its names brought into those of the library; null: there is none. */
function readResult(text: string): RunnerResult | null {
  try {
    const found = camel(JSON.parse(text)) as Partial<RunnerResult> | null;
    return typeof found?.success === 'boolean' ? (found as RunnerResult) : null;
  } catch {
    return null;
  }
}

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
      camel(inner),
    ]),
  );
}

/** What the runner says when it does not begin is the last thing that it prints. */
function refusal(said: string, exitCode: number | null): InputError | UnavailableError {
  const line = said.trim().split('\n').at(-1) ?? '';
  const how = exitCode === null ? 'was killed' : `ended with ${exitCode}`;
  const message = messageIn(line) ?? `keruta runner run ${how} without a result: ${line.slice(0, 500)}`;
  return exitCode === 2
    ? new InputError('KERUTA_ERR_CONFIG', message)
    : new UnavailableError('KERUTA_ERR_SERVICE', message);
}

function messageIn(line: string): string | null {
  try {
    const { error } = JSON.parse(line) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message : null;
  } catch {
    return null;
  }
}
