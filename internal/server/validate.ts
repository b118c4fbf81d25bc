/** Checks what came in against a shape, and says in plain words what does not fit. */
import type { ZodType, z } from 'zod';
import { InputError } from '../domain/errors.ts';

/** Where the values come from. */
export type Place = 'path' | 'query' | 'body';

/** More faults than this are counted, not told. */
const maxTold = 5;
const sensitive = /token|secret|password|auth|credential|private|passphrase|script|answer|^input$/i;

/**
 * Reads a value by its shape.
 * @throws {InputError} KERUTA_ERR_BAD_BODY, KERUTA_ERR_BODY_TOO_LARGE for a part over a limit of its own, or
 *         KERUTA_ERR_BAD_VALUE; naming field, expectation and what came
 */
export function readShape<S extends ZodType>(shape: S, value: unknown, place: Place): z.output<S> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const field = issue.path.map(String).join('.') || place;
    return { field, expected: expectationOf(issue), got: describe(valueAt(value, issue.path), field) };
  });
  const told = faults.slice(0, maxTold).map((fault) => `${fault.field}: ${fault.expected}, got ${fault.got}`);
  const more = faults.length > maxTold ? `; and ${faults.length - maxTold} more` : '';
  const isTooLarge = result.error.issues.some((issue) => issue.code === 'custom' && issue.params?.tooLarge);
  throw new InputError(
    isTooLarge
      ? 'KERUTA_ERR_BODY_TOO_LARGE'
      : place === 'body'
        ? 'KERUTA_ERR_BAD_BODY'
        : 'KERUTA_ERR_BAD_VALUE',
    `The ${place} is not what is expected: ${told.join('; ')}${more}.`,
    { details: { place, faults: faults.slice(0, 50) } },
  );
}

function expectationOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' && Number(issue.minimum) === 1
        ? 'expected a text that is not empty'
        : `expected at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
    default:
      return issue.message.replace(/^Invalid input: /, '');
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (here === null || typeof here !== 'object') return undefined;
    here = (here as Record<PropertyKey, unknown>)[key];
  }
  return here;
}

function describe(value: unknown, field: string): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  if (typeof value === 'string' && (text.length > 60 || sensitive.test(field))) {
    return `a text of ${value.length} characters`;
  }
  return text;
}
