/** What does not fit a shape, in words for the person who wrote it. Pure. */
import type { ZodError } from 'zod';
import { nearest } from '../text/nearest.ts';

/** A place in a file, from its root: `['steps', 1, 'condition']`. */
export type FieldPath = readonly (string | number)[];

/** `steps[1].condition` */
export function fieldText(path: FieldPath): string {
  const joined = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return joined.replace(/^\./, '');
}

/** What is known of what was read. */
export interface ShapeReading {
  /** the keys of the shape, or those of its part at a place: for keys that it has not */
  readonly keys: readonly string[] | ((path: FieldPath) => readonly string[]);
  /** what was read: numbers and names that are out of range are quoted from it, other texts never; default: nothing is */
  readonly value?: unknown;
}

/** What does not fit a shape. */
export function shapeFaults(
  error: ZodError,
  { keys, value }: ShapeReading,
): { readonly path: FieldPath; readonly message: string }[] {
  const seen = new Set<string>();
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    // a text where a list belongs is also called a list that is too long
    const place = issue.code === 'unrecognized_keys' ? null : fieldText(path);
    if (place !== null && seen.has(place)) return [];
    if (place !== null) seen.add(place);
    if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }];
    if (issue.code === 'unrecognized_keys') {
      const known = typeof keys === 'function' ? keys(path) : keys;
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
    }
    const got = valueAt(value, path);
    if (issue.code === 'invalid_value' && issue.values.length > 1)
      return [{ path, message: oneOf(issue.values.map(String), got) }];
    if (issue.code === 'too_small' || issue.code === 'too_big')
      return [{ path, message: rangeWords(issue, got) }];
    if (issue.code === 'invalid_type' && issue.expected === 'int' && typeof got === 'number')
      return [{ path, message: `expected a whole number, got ${got}` }];
    return [{ path, message: plainly(issue.message) }];
  });
}

/** What is said of a key that is not known. */
export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const hint = meant === null ? `expected one of ${known.join(', ')}` : `did you mean ${meant}?`;
  return `there is no such key; ${hint}`;
}

function oneOf(names: readonly string[], got: unknown): string {
  if (typeof got !== 'string') return `expected one of ${names.join(', ')}`;
  const meant = nearest(got, names);
  const hint = meant === null ? '' : `; did you mean ${meant}?`;
  return `expected one of ${names.join(', ')}, got ${JSON.stringify(got.slice(0, 40))}${hint}`;
}

type RangeIssue = Extract<ZodError['issues'][number], { code: 'too_small' | 'too_big' }>;

/** A message of the shape's own is kept. */
function rangeWords(issue: RangeIssue, got: unknown): string {
  if (!/^Too (small|big): /.test(issue.message)) return issue.message;
  const [limit, words] =
    issue.code === 'too_small'
      ? [issue.minimum, issue.inclusive === false ? 'more than' : 'at least']
      : [issue.maximum, issue.inclusive === false ? 'less than' : 'at most'];
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : '';
  const size = typeof got === 'string' || Array.isArray(got) ? got.length : got;
  if (limit === 1 && size === 0) return 'expected something, got nothing';
  return `expected ${words} ${limit}${unit}${typeof size === 'number' ? `, got ${size}` : ''}`;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
    value,
  );
}

/** As the other messages are worded. */
function plainly(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace(/, received (.*)$/, (_, got) => `, got ${got === 'undefined' ? 'nothing' : got}`);
}
