/** Which variables a script gets when it is run again. */
import { InputError } from '../../../internal/domain/errors.ts';
import { parameterVariable } from '../../../internal/domain/parameter-variable.ts';
import { isSecretName } from '../../../internal/worker/secrets.ts';
import type { CommandContext } from '../command.ts';
import { hiddenLines } from '../hidden-lines.ts';

/** What was found out. */
export interface ReplayVariables {
  readonly values: Readonly<Record<string, string>>;
  /** names that the task had and that nobody has here; null: it is not known which it had */
  readonly missing: readonly string[] | null;
}

/**
 * Gathers the variables: those that the task had, as far as they are set here, and those that are named. A secret that is
 * missing is asked for at the terminal; an empty answer leaves it out.
 * @param had  names; null: not known, then it gets the environment as it is here
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a name that is none, is keruta's own, or is not set
 */
export async function replayVariables(
  context: CommandContext,
  wish: {
    readonly named: readonly string[];
    readonly had: readonly string[] | null;
    readonly parameters: Readonly<Record<string, unknown>>;
  },
): Promise<ReplayVariables> {
  const { env } = context;
  const named = Object.fromEntries(wish.named.map((word) => namedVariable(word, env)));
  const set = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const had = wish.had?.filter((name) => !ofShells.test(name)) ?? null;
  if (had === null) return { values: { ...set(Object.keys(env)), ...named }, missing: null };
  const given = new Set(Object.keys(wish.parameters).map(parameterVariable));
  const values: Record<string, string> = { ...set(had), ...named };
  const missing: string[] = [];
  const ask = hiddenLines(context);
  for (const name of had) {
    if (values[name] !== undefined || given.has(name)) continue;
    const isAsked = context.stdinIsTerminal && isSecretName(name);
    const answer = isAsked ? await ask(`${name} of the task (Enter leaves it out): `) : null;
    if (answer === null || answer === '') missing.push(name);
    else values[name] = answer;
  }
  return { values, missing };
}

/** What every shell sets by itself. */
const ofShells = /^(_|SHLVL|PWD|OLDPWD)$/;

function namedVariable(word: string, env: CommandContext['env']): readonly [string, string] {
  const at = word.indexOf('=');
  const name = at < 0 ? word : word.slice(0, at);
  const refuse = (expected: string) =>
    new InputError('KERUTA_ERR_BAD_VALUE', `--env ${name}: expected ${expected}`);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw refuse('the name of a variable');
  if (name.startsWith('KERUTA_')) throw refuse('another name: those of keruta are set by itself');
  const value = at < 0 ? env[name] : word.slice(at + 1);
  if (value === undefined) throw refuse('a variable that is set here or in --env-file, or NAME=VALUE');
  return [name, value];
}
