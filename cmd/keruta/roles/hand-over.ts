/**
 * Keeps the API token out of the environment of a long-lived process, where every process of the same user can read it
 * (`/proc/PID/environ`; deleting the variable does not change that file). The process replaces itself by itself, with
 * the token in a file that only its user can read and that is removed as soon as it was read.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../../pkg/random/random.ts';
import { replaceFile } from '../own-file.ts';
import { selfCommand } from './self.ts';

/** Names the file in the environment of the new process. */
const variable = 'KERUTA_HANDOVER';
const prefix = 'handover.';
/** A file is read within a second; an older one is read by nobody. */
const forgottenAfterMs = 60_000;
/** Variables that hold the token of the API. */
const tokenVariables = ['KERUTA_API_TOKEN', 'KERUTA_AUTH_TOKEN', 'KERUTA_API_KEY'];

/** An environment without tokens, and what leads the new process to the token. */
export function withoutToken(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Record<string, string> {
  const token = tokenVariables.map((name) => env[name]).find((value) => value);
  const kept = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => {
      return entry[1] !== undefined && !tokenVariables.includes(entry[0]);
    }),
  );
  if (!token) return kept;
  const file = join(directory, `${prefix}${systemRandom.secret(12)}`);
  replaceFile(file, token, systemRandom.secret(6));
  return { ...kept, [variable]: file };
}

/**
 * Replaces this process when its environment holds a token; the process id stays. Where that cannot be done the process
 * goes on as it is. To be called before anything catches signals: the new program knows nothing of those that were
 * caught by the old one.
 * @param directory  for the file; 0700
 * @param now        epoch ms
 */
export function leaveTokenBehind(directory: string, now: number): void {
  removeForgotten(directory, now);
  if (!tokenVariables.some((name) => process.env[name])) return;
  if (typeof process.execve !== 'function') return;
  const env = withoutToken(process.env, directory);
  const [program, ...rest] = selfCommand();
  // Node says on stderr that this call is experimental; nobody who reads our stderr can do anything about that.
  process.removeAllListeners('warning');
  try {
    process.execve(program, [program, ...rest, ...process.argv.slice(2)], env);
  } catch {
    rmSync(env[variable] ?? '', { force: true });
  }
}

/**
 * Removes the files of processes that ended between the two programs; never the one that was handed to this process: the
 * clock of the file system may be another one, or have been set.
 * @param now  epoch ms
 */
export function removeForgotten(directory: string, now: number): void {
  try {
    for (const name of readdirSync(directory)) {
      const file = join(directory, name);
      if (!name.startsWith(prefix) || file === process.env[variable]) continue;
      if (statSync(file).mtimeMs < now - forgottenAfterMs) rmSync(file);
    }
  } catch {
    // there is no directory yet, or another one was quicker
  }
}

/** Takes the token that was handed over to this process, and removes its file; null when there is none. */
export function takeHandedToken(): string | null {
  const file = process.env[variable];
  if (!file) return null;
  delete process.env[variable];
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch {
    return null;
  } finally {
    rmSync(file, { force: true });
  }
}
