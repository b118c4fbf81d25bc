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

/** What does not fit a shape. @param keys  those that it has, for keys that it has not */
export function shapeFaults(
  error: ZodError,
  keys: readonly string[],
): { readonly path: FieldPath; readonly message: string }[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: plainly(issue.message) }];
    return issue.keys.map((key) => {
      const meant = nearest(key, keys);
      const hint = meant === null ? `expected one of ${keys.join(', ')}` : `did you mean ${meant}?`;
      return { path: [...path, key], message: `there is no such key; ${hint}` };
    });
  });
}

/** As the other messages are worded. */
function plainly(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace(/, received (.*)$/, (_, got) => `, got ${got === 'undefined' ? 'nothing' : got}`);
}
