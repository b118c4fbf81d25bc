/** Speaking from inside a run: one durable append to the run's mailbox, whatever the state of agent and API. */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ConflictError, InputError, UnavailableError } from '../../../internal/domain/errors.ts';
import { encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { defaultInputTimeoutMs } from '../../../internal/domain/task.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Spoken } from './grammar.ts';
import { parseLevel, parsePercentage } from './grammar.ts';
import { parseSeconds } from './seconds.ts';

/** What tells a process that it is part of a run. */
export interface RunPlace {
  /** the run directory */
  readonly directory: string;
  readonly taskId: string;
}

/**
 * Finds the run that this process belongs to.
 * @param taskId the task that is spoken about; another task than the run's is spoken about from outside
 * @returns null outside a run, and after its end: nobody reads its mailbox any more, only its receipt is kept
 */
export function findRun(env: Readonly<Record<string, string | undefined>>, taskId?: string): RunPlace | null {
  const directory = env.KERUTA_RUN_DIR;
  const own = env.KERUTA_TASK_ID;
  if (!directory || !own || (taskId !== undefined && taskId !== own)) return null;
  if (!basename(directory).startsWith(`${own}.`)) return null;
  try {
    if (!statSync(directory).isDirectory() || existsSync(join(directory, 'receipt.json'))) return null;
    return { directory, taskId: own };
  } catch {
    return null;
  }
}

/**
 * Appends one record to the mailbox. It survives the death of any process when this returns.
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL
 */
export function appendToMailbox(run: RunPlace, words: readonly string[]): void {
  const record = encodeMailboxRecord(words);
  const file = join(run.directory, 'mailbox');
  try {
    const descriptor = openSync(file, 'a', 0o600);
    try {
      const written = writeSync(descriptor, record);
      if (written < record.length) throw new Error(`short write: ${written} of ${record.length} bytes`);
      if (record.length > 64 * 1024) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      `mailbox of the run: expected to append ${record.length} bytes, got ${(cause as Error).message}; free some space and repeat`,
      { cause },
    );
  }
}

/** Makes the mailbox words of a command, its values judged. @throws {InputError} for a bad value */
export function mailboxWords(spoken: Spoken): string[] {
  const { command, positionals, values, flags } = spoken;
  const words: string[] = [command.name];
  if (command.name === 'progress') words.push(String(parsePercentage(positionals[0] ?? '')));
  if (command.name === 'log') words.push(parseLevel(positionals[0] ?? ''), positionals[1] ?? '');
  for (const name of ['message', 'error-code', 'artifacts-dir']) {
    const value = values[name];
    if (value !== undefined) words.push(`--${name}`, value);
  }
  const retryAfter = values['retry-after'];
  if (retryAfter !== undefined)
    words.push('--retry-after', String(Math.ceil(parseSeconds('retry-after', retryAfter))));
  if (flags['auto-fix'] !== undefined) words.push(flags['auto-fix'] ? '--auto-fix' : '--no-auto-fix');
  return words;
}

/** What `ask` waits with. */
export interface AskParts {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Puts a question and waits for its answer, also while the agent is down.
 * @returns the answer, or the default when the time is up
 * @throws {ConflictError} KERUTA_ERR_ASK_TIMEOUT when there is no default
 */
export async function askInRun(parts: AskParts, run: RunPlace, spoken: Spoken): Promise<string> {
  const { values, flags } = spoken;
  const key = randomUUID();
  const otherwise = values.default;
  const choices = (values.choices ?? '')
    .split(',')
    .map((choice) => choice.trim())
    .filter((choice) => choice !== '');
  if (otherwise !== undefined && choices.length > 0 && !choices.includes(otherwise)) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `default: expected one of ${choices.join(', ')}, got "${otherwise}"`,
    );
  }
  const timeoutMs =
    values.timeout === undefined ? defaultInputTimeoutMs : parseSeconds('timeout', values.timeout) * 1000;
  const words = [
    'ask',
    spoken.positionals[0] ?? '',
    '--key',
    key,
    '--timeout',
    String(Math.ceil(timeoutMs / 1000)),
  ];
  if (choices.length > 0) words.push('--choices', choices.join(','));
  if (flags.secret) words.push('--secret');
  appendToMailbox(run, words);
  const answer = await waitForAnswer(parts, join(run.directory, 'answers', `${key}.json`), timeoutMs);
  if (answer !== null) return answer;
  if (otherwise !== undefined) return otherwise;
  throw new ConflictError(
    'KERUTA_ERR_ASK_TIMEOUT',
    `nobody answered "${spoken.positionals[0]}" within ${Math.round(timeoutMs / 1000)} s, and there is no --default`,
  );
}

/** Waits until a file appears; looks again every 500 ms where the directory cannot be watched. */
async function waitForAnswer(parts: AskParts, file: string, timeoutMs: number): Promise<string | null> {
  const deadline = parts.clock.monotonicMs() + timeoutMs;
  let wake = () => {};
  let watcher: ReturnType<typeof watch> | null = null;
  try {
    for (;;) {
      const answer = readAnswer(file);
      if (answer !== null) return answer;
      const left = deadline - parts.clock.monotonicMs();
      if (left <= 0) return null;
      watcher ??= tryWatch(join(file, '..'), () => wake());
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        parts.clock.sleep(Math.min(left, watcher ? 1000 : 200), parts.signal).then(resolve, reject);
      });
    }
  } finally {
    watcher?.close();
  }
}

function tryWatch(directory: string, listener: () => void): ReturnType<typeof watch> | null {
  try {
    return watch(directory, listener).on('error', () => {});
  } catch {
    return null;
  }
}

function readAnswer(file: string): string | null {
  try {
    return String((JSON.parse(readFileSync(file, 'utf8')) as { answer: unknown }).answer);
  } catch {
    return null;
  }
}
