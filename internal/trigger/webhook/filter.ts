/**
 * Which events count: a small language over the payload. It has no patterns that take long, no calls, and no way out.
 *
 * ```
 * filter  = all { "or" all }
 * all     = one { "and" one }
 * one     = "not" one | "(" filter ")" | test
 * test    = path "==" value | path "!=" value | path "in" "[" value { "," value } "]"
 *         | path "matches" text | path "exists"
 * path    = "$" or "headers", "query", "method", "kind", then any of: .name  ['any name']  [0]
 * value   = text in single or double quotes | number | true | false | null
 * ```
 *
 * `matches` is a glob: `*` without `/`, `**` with, `?` one character. A path that leads nowhere is equal to nothing: not to
 * null either. Values of different types are never equal. Objects and lists can only be asked for with `exists`.
 */

import { matchesGlob, maxGlobLength } from '../../../pkg/glob/glob.ts';
import { InputError } from '../../domain/errors.ts';
import { type EventValues, maxPathLength, pathAt, type ValuePath, valueAt } from './value-path.ts';

/** Longest filter; characters. */
export const maxFilterLength = 4096;
/** Most words and signs. */
const maxWords = 1000;
/** How deep parentheses and negations may lie in each other. */
const maxDepth = 20;

type Value = string | number | boolean | null;
type Word =
  | { readonly kind: 'sign' | 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: Value; readonly at: number }
  | { readonly kind: 'path'; readonly path: ValuePath; readonly at: number };

/** A filter that was read: whether an event counts. */
export type Filter = (values: EventValues) => boolean;

/** Reads a filter. @throws {InputError} KERUTA_ERR_BAD_VALUE that says where it cannot be read */
export function readFilter(text: string): Filter {
  if (text.length > maxFilterLength)
    throw fault(`expected at most ${maxFilterLength} characters, got ${text.length}`);
  return new Reading(wordsOf(text)).whole();
}

const wordPattern =
  /\s*(?:(==|!=|&&|\|\||[()[\],!])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d{1,15}(?:\.\d{1,15})?)(?![\w.])|(or|and|not|in|matches|exists|true|false|null)(?![\w.-]))/y;
const values: Readonly<Record<string, Value>> = { true: true, false: false, null: null };
const signs: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not' };

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  const end = text.trimEnd().length;
  for (let from = 0; from < end; ) {
    wordPattern.lastIndex = from;
    const found = wordPattern.exec(text);
    const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
    if (found !== null) {
      words.push(wordOf(found, at));
      from = wordPattern.lastIndex;
    } else {
      const path = pathAt(text, at);
      if (path === null || path.end - at > maxPathLength) throw unreadable(text, at);
      words.push({ kind: 'path', path: path.path, at });
      from = path.end;
    }
    if (words.length > maxWords) throw fault(`expected at most ${maxWords} words and signs`);
  }
  return words;
}

function wordOf([, sign, single, double, digits, word = '']: RegExpExecArray, at: number): Word {
  if (sign !== undefined) {
    const text = signs[sign];
    return text === undefined ? { kind: 'sign', text: sign, at } : { kind: 'word', text, at };
  }
  const quoted = single ?? double;
  if (quoted !== undefined) return { kind: 'value', value: quoted.replace(/\\(.)/gs, '$1'), at };
  if (digits !== undefined) return { kind: 'value', value: Number(digits), at };
  return Object.hasOwn(values, word)
    ? { kind: 'value', value: values[word] ?? null, at }
    : { kind: 'word', text: word, at };
}

/** Reads words from left to right; `or` binds least, `not` most. */
class Reading {
  readonly #words: readonly Word[];
  #next = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  whole(): Filter {
    const filter = this.#either(0);
    if (this.#next < this.#words.length) throw this.#unexpected('and, or, or the end');
    return filter;
  }

  #either(depth: number): Filter {
    const parts = [this.#all(depth)];
    while (this.#take('or')) parts.push(this.#all(depth));
    return (event) => parts.some((part) => part(event));
  }

  #all(depth: number): Filter {
    const parts = [this.#one(depth)];
    while (this.#take('and')) parts.push(this.#one(depth));
    return (event) => parts.every((part) => part(event));
  }

  #one(depth: number): Filter {
    if (depth > maxDepth) throw fault(`expected at most ${maxDepth} levels of parentheses and negations`);
    if (this.#take('not')) {
      const inner = this.#one(depth + 1);
      return (event) => !inner(event);
    }
    if (!this.#take('(')) return this.#test();
    const inner = this.#either(depth + 1);
    if (!this.#take(')')) throw this.#unexpected(')');
    return inner;
  }

  #test(): Filter {
    const word = this.#words[this.#next];
    if (word?.kind !== 'path') throw this.#unexpected('a path such as $.ref');
    this.#next++;
    const { path } = word;
    if (this.#take('exists')) return (event) => valueAt(path, event) !== undefined;
    if (this.#take('==')) return oneOf(path, [this.#value()]);
    if (this.#take('in')) return oneOf(path, this.#list());
    if (this.#take('matches')) return glob(path, this.#value());
    if (!this.#take('!=')) throw this.#unexpected('==, !=, in, matches or exists');
    const equal = oneOf(path, [this.#value()]);
    return (event) => !equal(event);
  }

  #list(): readonly Value[] {
    if (!this.#take('[')) throw this.#unexpected('[');
    const list = [this.#value()];
    while (this.#take(',')) list.push(this.#value());
    if (!this.#take(']')) throw this.#unexpected(', or ]');
    return list;
  }

  #value(): Value {
    const word = this.#words[this.#next];
    if (word?.kind !== 'value') throw this.#unexpected('a text in quotes, a number, true, false or null');
    this.#next++;
    return word.value;
  }

  #take(text: string): boolean {
    const word = this.#words[this.#next];
    if (word === undefined || word.kind === 'value' || word.kind === 'path' || word.text !== text)
      return false;
    this.#next++;
    return true;
  }

  #unexpected(expected: string): InputError {
    const at = this.#words[this.#next]?.at;
    return fault(`expected ${expected} ${at === undefined ? 'at the end' : `at character ${at + 1}`}`);
  }
}

function oneOf(path: ValuePath, list: readonly Value[]): Filter {
  return (event) => list.includes(valueAt(path, event) as Value);
}

function glob(path: ValuePath, pattern: Value): Filter {
  if (typeof pattern !== 'string' || pattern.length > maxGlobLength)
    throw fault(`expected a pattern in quotes of at most ${maxGlobLength} characters behind matches`);
  return (event) => {
    const value = valueAt(path, event);
    return typeof value === 'string' && matchesGlob(pattern, value);
  };
}

function unreadable(text: string, at: number): InputError {
  return fault(`cannot read ${JSON.stringify(text.slice(at, at + 30))} at character ${at + 1}`);
}

function fault(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', `filter: ${message}`);
}
