/** Reads a command line by the data of its command: the values that `run` gets. */

import type { FlagText } from '../../internal/config/load-settings.ts';
import type { SettingKey } from '../../internal/config/table.ts';
import { settingsTable } from '../../internal/config/table.ts';
import { expectationOf, readValue, type Value, type ValueRule } from '../../internal/config/value.ts';
import { InputError } from '../../internal/domain/errors.ts';
import type { AnyCommand, CommandOption, CommandPositional } from './command.ts';
import { allOptions } from './options.ts';
import { splitLine } from './yargs-root.ts';

/** A command line that was read. */
export interface ReadLine {
  /** by name: options that were given or have a default, and positionals */
  readonly values: Readonly<Record<string, Value>>;
  /** flags of settings as they were written, for `loadSettings` */
  readonly flags: Readonly<Partial<Record<SettingKey, FlagText>>>;
}

/**
 * Reads a command line.
 *
 * @param argv  without the words of the command
 * @throws {InputError} KERUTA_ERR_USAGE, KERUTA_ERR_BAD_VALUE; every bad value at once. With `--help` nothing is required
 */
export function readLine(argv: readonly string[], command: AnyCommand): ReadLine {
  const options = allOptions(command.options);
  const split = splitLine(argv, options);
  const values: Record<string, Value> = {};
  const flags: Partial<Record<SettingKey, FlagText>> = {};
  const faults: string[] = [];
  const take = (place: string, name: string, rule: ValueRule, text: string) => {
    const reading = readValue(rule, text);
    if ('value' in reading) values[name] = reading.value;
    else faults.push(`${place}: expected ${reading.expected}, got "${text.slice(0, 200)}"`);
  };
  for (const [name, option] of Object.entries(options)) {
    const given = split.options[name];
    if (given === undefined) {
      if (option.default !== undefined) values[name] = option.default;
      continue;
    }
    if (option.setting) flags[option.setting] = { flag: `--${name}`, text: String(given) };
    take(`--${name}`, name, ruleOf(option), String(given));
  }
  if (values.help !== true) readPositionals(split.positionals, command, { values, faults, take });
  if (faults.length > 0) throw new InputError('KERUTA_ERR_BAD_VALUE', faults.join('\n'));
  return { values, flags };
}

/** How the text of an option is read: a setting's by its row. */
export function ruleOf(option: CommandOption | CommandPositional): ValueRule {
  const setting = 'setting' in option && option.setting ? settingsTable[option.setting] : undefined;
  return setting ?? { ...option, kind: option.kind ?? 'string' };
}

function readPositionals(
  words: readonly string[],
  command: AnyCommand,
  into: {
    readonly values: Record<string, Value>;
    readonly faults: string[];
    readonly take: (place: string, name: string, rule: ValueRule, text: string) => void;
  },
): void {
  const positionals = Object.entries(command.positionals);
  const isVariadic = positionals.at(-1)?.[1].variadic === true;
  if (words.length > positionals.length && !isVariadic) {
    const extra = words.slice(positionals.length).map((word) => `"${word}"`);
    const takes = positionals.length === 0 ? 'no arguments' : `only ${usageOf(command)}`;
    throw new InputError(
      'KERUTA_ERR_USAGE',
      `keruta ${command.name} takes ${takes}; ${extra.join(' ')} is too much (quote a text that has spaces)`,
    );
  }
  positionals.forEach(([name, positional], index) => {
    if (positional.variadic) {
      const rest = words.slice(index);
      if (rest.length === 0 && !positional.optional) throw missing(name, positional, command);
      into.values[name] = rest;
      return;
    }
    const word = words[index];
    if (word !== undefined) into.take(name, name, ruleOf(positional), word);
    else if (!positional.optional) throw missing(name, positional, command);
  });
}

function missing(name: string, positional: CommandPositional, command: AnyCommand): InputError {
  const rule = ruleOf(positional);
  const what = rule.kind === 'string' ? positional.doc : expectationOf(rule);
  return new InputError('KERUTA_ERR_USAGE', `keruta ${command.name} needs <${name}>: ${what}`);
}

/** The positionals as the usage line shows them: `<level> [message]`. */
export function usageOf(command: AnyCommand): string {
  return Object.entries(command.positionals)
    .map(([name, positional]) => {
      const dots = positional.variadic ? '...' : '';
      return positional.optional ? `[${name}${dots}]` : `<${name}${dots}>`;
    })
    .join(' ');
}
