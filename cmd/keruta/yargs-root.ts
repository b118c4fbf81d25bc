/** Splits the words of a command line into options and arguments: the one door of yargs. */
import yargs from 'yargs';
import { InputError } from '../../internal/domain/errors.ts';
import { nearest } from '../../pkg/text/nearest.ts';
import type { OptionMap } from './command.ts';

/** A command line in parts. Values are texts as they were written; switches are booleans. */
export interface SplitLine {
  readonly options: Readonly<Record<string, string | boolean>>;
  readonly positionals: readonly string[];
}

/**
 * Splits a command line. An option that is given more than once counts as given last; lists are joined.
 *
 * @param argv     without the words of the command itself
 * @param options  everything that it may take; aliases and single letters are folded into the name
 * @throws {InputError} KERUTA_ERR_USAGE: unknown option (with the nearest one), value missing, value for a switch
 */
export function splitLine(argv: readonly string[], options: OptionMap): SplitLine {
  const names = new Map<string, string>();
  for (const [name, option] of Object.entries(options)) {
    for (const each of [name, option.short, ...(option.aliases ?? [])]) if (each) names.set(each, name);
  }
  refuseUnknown(argv, names, options);
  const parsed = yargs()
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'strip-aliased': true,
      'short-option-groups': true,
    })
    .options(Object.fromEntries(Object.entries(options).map(([name, option]) => [name, yargsOption(option)])))
    .help(false)
    .version(false)
    .detectLocale(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw usage(error?.message ?? message);
    })
    .parseSync([...argv]) as Readonly<Record<string, unknown>>;
  const values: Record<string, string | boolean> = {};
  for (const [name, option] of Object.entries(options)) {
    const value = parsed[name];
    if (value === undefined) continue;
    const all = (Array.isArray(value) ? value : [value]) as (string | boolean)[];
    const last = all.at(-1);
    if (last !== undefined) values[name] = option.kind === 'list' ? all.join(',') : last;
  }
  return { options: values, positionals: (parsed._ as unknown[]).map(String) };
}

function yargsOption(option: OptionMap[string]): Record<string, unknown> {
  const alias = [option.short, ...(option.aliases ?? [])].filter((name) => name !== undefined);
  if (option.kind === 'bool') return { type: 'boolean', alias };
  return { type: 'string', alias, nargs: 1 };
}

/** Looks at the words themselves, so that the message can name what was written. */
function refuseUnknown(
  argv: readonly string[],
  names: ReadonlyMap<string, string>,
  options: OptionMap,
): void {
  const kindOf = (name: string) => options[names.get(name) ?? '']?.kind;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') return;
    const [, dashes, name, inline] = /^(--?)([A-Za-z][^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (dashes === undefined || name === undefined) continue;
    const plain = name.replace(/^no-/, '');
    if (dashes === '--' && name !== plain && !names.has(name) && kindOf(plain) === 'bool') continue;
    const known =
      dashes === '--' ? names.has(name) && name.length > 1 : [...name].every((letter) => names.has(letter));
    if (!known) throw unknownOption(word.split('=')[0] ?? word, [...names.keys()]);
    const last = dashes === '--' ? name : name.slice(-1);
    if (kindOf(last) === 'bool') {
      if (inline !== undefined && !/^(true|false)$/.test(inline)) {
        throw usage(`${dashes}${name} is a switch; it takes no value "${inline}"`);
      }
    } else if (inline === undefined) {
      index += 1;
      const value = argv[index];
      if (value === undefined || /^-[^\d]/.test(value)) {
        throw usage(
          `${dashes}${name} takes a value${value === undefined ? '' : `; one that begins with a dash as ${dashes}${name}=${value}`}`,
        );
      }
    }
  }
}

/** What people call a token when they want to say it on a command line. */
const tokenNames = /^--?(((api|admin|auth|access|bearer|session)-?)?token|api-?key)$/i;

function unknownOption(typed: string, names: readonly string[]): InputError {
  if (tokenNames.test(typed)) return tokenInArguments(typed);
  const near = nearest(
    typed.replace(/^-+/, ''),
    names.filter((name) => name.length > 1),
  );
  return usage(`there is no option ${typed}${near ? `; did you mean --${near}` : ''}`);
}

function tokenInArguments(typed: string): InputError {
  return usage(
    `there is no option ${typed}, since everybody on the machine can read command lines; set KERUTA_API_TOKEN, or write the token to ` +
      'a file and set KERUTA_API_TOKEN_FILE to its path (of a server: KERUTA_ADMIN_TOKEN). A token that was written here counts as known: revoke it',
  );
}

function usage(message: string): InputError {
  return new InputError('KERUTA_ERR_USAGE', message);
}
