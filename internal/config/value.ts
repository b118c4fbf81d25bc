/** Kinds of values that settings and options have, and how their text is read. */
import { type DurationUnit, formatDuration, parseDuration } from '../domain/duration.ts';
import { formatSize, parseSize, type SizeUnit } from './size.ts';

/** What a value is. Durations are ms inside, sizes bytes, lists are separated by commas in text. */
export type ValueKind = 'string' | 'url' | 'path' | 'duration' | 'size' | 'int' | 'bool' | 'enum' | 'list';

/** The type inside of a kind. */
export type ValueOf<K extends ValueKind> = K extends 'duration' | 'size' | 'int'
  ? number
  : K extends 'bool'
    ? boolean
    : K extends 'list'
      ? readonly string[]
      : string;

/** Any value of a setting. */
export type Value = string | number | boolean | readonly string[];

/** How a text is to be read. */
export interface ValueRule {
  readonly kind: ValueKind;
  /** for `enum`: matched in any case; the spelling here is the value */
  readonly choices?: readonly string[];
  /** for `enum`: other spellings and what they mean */
  readonly synonyms?: Readonly<Record<string, string>>;
  /** for `int`, and for durations in ms: least and greatest */
  readonly range?: readonly [number, number];
  /** what a duration or size without unit means; default seconds, bytes */
  readonly bareUnit?: DurationUnit | SizeUnit;
}

/** A value, or what was expected instead. */
export type Reading = { readonly value: Value } | { readonly expected: string };

/** Reads a text by a rule. Paths are not resolved here. An empty text is only a string or a list. */
export function readValue(rule: ValueRule, text: string): Reading {
  switch (rule.kind) {
    case 'string':
      return { value: text };
    case 'path':
      return text === '' || text.includes('\0') ? { expected: expectationOf(rule) } : { value: text };
    case 'url':
      return readUrl(text);
    case 'duration':
      return ranged(rule, parseDuration(text, (rule.bareUnit ?? 's') as DurationUnit));
    case 'size':
      return ranged(rule, parseSize(text, (rule.bareUnit ?? 'B') as SizeUnit));
    case 'int':
      return ranged(rule, /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) + 0 : null);
    case 'bool':
      return readBool(text);
    case 'enum':
      return readChoice(rule, text);
    case 'list':
      return {
        value: text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      };
  }
}

function ranged(rule: ValueRule, value: number | null): Reading {
  const [least, greatest] = rule.range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return value === null || value < least || value > greatest ? { expected: expectationOf(rule) } : { value };
}

function readBool(text: string): Reading {
  const word = text.trim().toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return { value: true };
  if (['false', '0', 'no', 'off'].includes(word)) return { value: false };
  return { expected: expectationOf({ kind: 'bool' }) };
}

function readChoice(rule: ValueRule, text: string): Reading {
  const word = text.trim().toLowerCase();
  const choice = (rule.choices ?? []).find((name) => name.toLowerCase() === word);
  const { synonyms = {} } = rule;
  const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined;
  const value = choice ?? synonym;
  return value === undefined ? { expected: expectationOf(rule) } : { value };
}

function readUrl(text: string): Reading {
  const trimmed = text.trim();
  const url = URL.parse(trimmed);
  // the parser would also take http:a, and pass over what is no part of an address: the text stays as it is here
  const good =
    url !== null && /^https?:\/\/[^\s\p{Cc}\\/][^\s\p{Cc}\\]*$/iu.test(trimmed) && url.hostname !== '';
  if (!good || url.username !== '' || url.password !== '')
    return { expected: expectationOf({ kind: 'url' }) };
  return { value: withoutEndSlashes(trimmed) };
}

/** By hand: a pattern would look at every run of slashes once for each slash of it. */
function withoutEndSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

/** Says what a text must be, to follow "expected": `a duration such as 30s or 5m`. */
export function expectationOf(rule: ValueRule): string {
  switch (rule.kind) {
    case 'string':
      return 'text';
    case 'path':
      return 'a path';
    case 'url':
      return 'an address such as http://127.0.0.1:8585, without user name and password';
    case 'duration':
      return `a duration such as 30s, 5m or 1h30m (a bare number is ${durationWord(rule)})${withRange(rule, formatDuration)}`;
    case 'size':
      return `a size such as 64KB or 100MB (a bare number is ${rule.bareUnit ?? 'B'})${withRange(rule, formatSize)}`;
    case 'int':
      return `a whole number${withRange(rule, String)}`;
    case 'bool':
      return 'true or false';
    case 'enum':
      return `one of ${(rule.choices ?? []).join(', ')}`;
    case 'list':
      return 'a list separated by commas';
  }
}

function durationWord(rule: ValueRule): string {
  const words: Readonly<Record<string, string>> = { ms: 'milliseconds', m: 'minutes', h: 'hours', d: 'days' };
  return words[rule.bareUnit ?? 's'] ?? 'seconds';
}

function withRange(rule: ValueRule, format: (value: number) => string): string {
  if (!rule.range) return '';
  const [least, greatest] = rule.range;
  if (greatest >= Number.MAX_SAFE_INTEGER) return ` of at least ${format(least)}`;
  return ` from ${format(least)} to ${format(greatest)}`;
}

/** Writes a value as a person would: `30s`, `100MB`, `true`, `a,b`; `''` for null. */
export function formatValue(kind: ValueKind, value: Value | null): string {
  if (value === null) return '';
  if (kind === 'duration') return formatDuration(Number(value));
  if (kind === 'size') return formatSize(Number(value));
  if (typeof value === 'object') return value.join(',');
  return String(value);
}
