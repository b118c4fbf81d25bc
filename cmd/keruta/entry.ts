/**
 * The first thing that runs. Scripts call `keruta progress` in loops, so the speaking commands are done here, with
 * nothing loaded but what they need; everything else loads the whole command line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitStatusOf, KerutaError } from '../../internal/domain/errors.ts';
import { secretsOf } from '../../internal/worker/secrets.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { maskOf } from '../../pkg/redact/redactor.ts';
import { parseSpoken, type Spoken } from './task-commands/grammar.ts';
import { findRun } from './task-commands/in-run.ts';
import { hasFiles, type SpeakPlace, speak } from './task-commands/speak.ts';
import { isExposed } from './transport.ts';

/** What the doors hand in. */
export interface EntryParts {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** since the process began; ms */
  readonly upMs: () => number;
  readonly signal: AbortSignal;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  readonly readInput: () => Promise<string>;
  /** loads the whole command line and runs it */
  readonly runLarge: (argv: readonly string[]) => Promise<number>;
}

/** Does a command line. @returns the exit status */
export async function enter(parts: EntryParts): Promise<number> {
  const spoken = parseSpoken(parts.argv);
  const place = spoken && findPlace(parts, spoken);
  if (!spoken || !place) return parts.runLarge(parts.argv);
  try {
    return await speak(
      {
        clock: systemClock,
        signal: parts.signal,
        print: (line) => parts.writeOut(`${line}\n`),
        warn: (line) => parts.writeErr(`keruta: ${line}\n`),
        readInput: parts.readInput,
      },
      spoken,
      place,
    );
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    const shown = { error: { code: error.code, message: error.message } };
    parts.writeErr(spoken.flags.json ? `${JSON.stringify(shown)}\n` : `keruta: ${error.message}\n`);
    return exitStatusOf(error);
  }
}

/**
 * Where to speak, as far as that can be told without the settings file.
 * @returns null when it takes the settings, or a client for uploads
 */
function findPlace(parts: EntryParts, spoken: Spoken): SpeakPlace | null {
  const { env } = parts;
  if (spoken.flags.verbose || spoken.values['log-level'] !== undefined) return null;
  const run = findRun(env, spoken.values['task-id']);
  if (run && spoken.values['api-url'] === undefined) return { run };
  if (spoken.command.name === 'ask') return null;
  if (
    spoken.command.name === 'success' &&
    hasFiles(spoken.values['artifacts-dir'] ?? env.KERUTA_ARTIFACTS_DIR)
  )
    return null;
  if (spoken.command.name === 'fail' && spoken.flags['auto-fix']) return null;
  const apiUrl = spoken.values['api-url'] ?? env.KERUTA_API_URL;
  const taskId = spoken.values['task-id'] ?? env.KERUTA_TASK_ID;
  const token = readToken(env);
  if (!apiUrl || !taskId || token === null || parts.home === '') return null;
  if (!/^https?:\/\/[^/@\s]+(\/api\/v1)?\/*$/.test(apiUrl) || env.KERUTA_TIMEOUT !== undefined) return null;
  // whether that may be talked to is for the settings to say
  if (isExposed(apiUrl)) return null;
  const base = env.KERUTA_BASE_DIR ?? join(parts.home, '.keruta');
  return {
    outside: {
      apiUrl: apiUrl.replace(/(\/api\/v1)?\/*$/, ''),
      token,
      taskId,
      spoolDirectory: join(base, 'spool'),
      timeoutMs: 30_000,
      spentMs: parts.upMs(),
      mask: maskOf(secretsOf(env, [token]).values),
    },
  };
}

function readToken(env: Readonly<Record<string, string | undefined>>): string | null {
  if (env.KERUTA_API_TOKEN) return env.KERUTA_API_TOKEN;
  if (!env.KERUTA_API_TOKEN_FILE) return null;
  try {
    return readFileSync(env.KERUTA_API_TOKEN_FILE, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
