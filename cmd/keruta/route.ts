/** Finds the command that a command line names. */

import { InputError } from '../../internal/domain/errors.ts';
import { nearest } from '../../pkg/text/nearest.ts';
import type { CommandOption } from './command.ts';
import { globalOptions } from './options.ts';

/** What a command line asks for. */
export type Routed =
  | { readonly kind: 'command'; readonly name: string; readonly rest: readonly string[] }
  /** help for a group of commands (`task`), or for everything (`''`) */
  | { readonly kind: 'help'; readonly of: string; readonly asked: boolean }
  | { readonly kind: 'version' };

/**
 * Finds the command: its words may stand after options that every command has.
 *
 * @param names  names of all commands; a name may be the beginning of others (`daemon`, `daemon start`)
 * @throws {InputError} KERUTA_ERR_USAGE for a command that is not there, with the nearest one
 */
export function route(argv: readonly string[], names: readonly string[]): Routed {
  const words = findWords(argv);
  const [first, second] = words;
  if (first === undefined) {
    if (argv.includes('--version')) return { kind: 'version' };
    return { kind: 'help', of: '', asked: argv.some((word) => word === '--help' || word === '-h') };
  }
  if (first.text === 'help')
    return routeHelp(
      words.slice(1).map((word) => word.text),
      names,
    );
  const without = (...places: number[]) => argv.filter((_, index) => !places.includes(index));
  const both = second && `${first.text} ${second.text}`;
  if (both !== undefined && names.includes(both)) {
    return { kind: 'command', name: both, rest: without(first.index, second?.index ?? -1) };
  }
  if (names.includes(first.text)) return { kind: 'command', name: first.text, rest: without(first.index) };
  const isGroup = names.some((name) => name.startsWith(`${first.text} `));
  if (!isGroup) throw unknownCommand(first.text, names);
  if (both !== undefined) throw unknownCommand(both, names);
  const asked = argv.some((word) => word === '--help' || word === '-h');
  return { kind: 'help', of: first.text, asked };
}

function routeHelp(words: readonly string[], names: readonly string[]): Routed {
  if (words.length === 0) return { kind: 'help', of: '', asked: true };
  const name = words.slice(0, 2).join(' ');
  if (names.includes(name)) return { kind: 'command', name, rest: ['--help'] };
  const routed = route(words, names);
  return routed.kind === 'command' ? { ...routed, rest: ['--help'] } : ({ ...routed, asked: true } as Routed);
}

interface Word {
  readonly text: string;
  readonly index: number;
}

/** The first two words that are neither options nor values of global options. */
function findWords(argv: readonly string[]): Word[] {
  const words: Word[] = [];
  for (let index = 0; index < argv.length && words.length < 3; index += 1) {
    const text = argv[index] ?? '';
    if (text === '--') break;
    if (!text.startsWith('-') || text === '-') {
      words.push({ text, index });
      continue;
    }
    if (takesValue(text)) index += 1;
  }
  return words;
}

function takesValue(word: string): boolean {
  if (!word.startsWith('--') || word.includes('=')) return false;
  const option: CommandOption | undefined = (globalOptions as Record<string, CommandOption>)[word.slice(2)];
  return option !== undefined && option.kind !== 'bool';
}

function unknownCommand(typed: string, names: readonly string[]): InputError {
  const groups = names.map((name) => name.split(' ')[0] ?? '');
  const candidates = typed.includes(' ') ? names : [...new Set([...names, ...groups])];
  const near = nearest(typed, candidates);
  const suggestion = near ? `did you mean: keruta ${near}` : 'see: keruta --help';
  return new InputError('KERUTA_ERR_USAGE', `there is no command "${typed}"; ${suggestion}`);
}
