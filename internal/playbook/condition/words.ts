/** The words of a condition: from its characters to what its parser reads. Pure. */
import { InputError } from '../../domain/errors.ts';
import { maxConditionLength, type Scalar } from './expression.ts';

/** One word. */
export type Word =
  | { readonly kind: 'sign' | 'word' | 'name'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: Scalar; readonly at: number };

/** Most words of a condition. */
const maxWords = 500;
const pattern =
  /(&&|\|\||==|!=|<=|>=|[<>()[\].!])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d{1,15}(?:\.\d{1,15})?)(?![\p{L}\p{N}_])|([\p{L}_][\p{L}\p{N}\p{M}_-]*)/suy;
const constants: Readonly<Record<string, Scalar>> = { true: true, false: false, null: null };
const synonyms: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not' };
const reserved: ReadonlySet<string> = new Set(['and', 'or', 'not']);

/** Takes a text apart. @throws {InputError} KERUTA_ERR_BAD_VALUE that says where it cannot be read */
export function wordsOf(text: string): readonly Word[] {
  if (text.length > maxConditionLength)
    throw conditionFault(`expected at most ${maxConditionLength} characters, got ${text.length}`);
  const words: Word[] = [];
  const end = text.trimEnd().length;
  for (let at = blanksFrom(text, 0); at < end; at = blanksFrom(text, pattern.lastIndex)) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null)
      throw conditionFault(`cannot read ${JSON.stringify(text.slice(at, at + 30))} at character ${at + 1}`);
    words.push(wordOf(found, at));
    if (words.length > maxWords) throw conditionFault(`expected at most ${maxWords} words and signs`);
  }
  return words;
}

function wordOf([, sign, single, double, digits, name = '']: RegExpExecArray, at: number): Word {
  if (sign !== undefined) {
    const text = synonyms[sign];
    return text === undefined ? { kind: 'sign', text: sign, at } : { kind: 'word', text, at };
  }
  const quoted = single ?? double;
  if (quoted !== undefined) return { kind: 'value', value: quoted.replace(/\\(.)/gs, '$1'), at };
  if (digits !== undefined) return { kind: 'value', value: Number(digits), at };
  if (Object.hasOwn(constants, name)) return { kind: 'value', value: constants[name] ?? null, at };
  return { kind: reserved.has(name) ? 'word' : 'name', text: name, at };
}

/** Where the next word begins. */
function blanksFrom(text: string, from: number): number {
  const blanks = /\s*/y;
  blanks.lastIndex = from;
  return from + (blanks.exec(text)?.[0].length ?? 0);
}

/** An error about a condition. */
export function conditionFault(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', message);
}
