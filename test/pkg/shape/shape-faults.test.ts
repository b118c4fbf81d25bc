import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fieldText, shapeFaults } from '../../../pkg/shape/shape-faults.ts';

const author = z.strictObject({ name: z.string().min(1), email: z.string() });
const shape = z.strictObject({
  mode: z.enum(['local', 'docker']).optional(),
  rounds: z.int().min(0).max(20).optional(),
  seconds: z.number().positive().optional(),
  words: z.array(z.string()).max(2).optional(),
  pair: z.array(z.string()).min(2, 'expected two words').optional(),
  author: author.optional(),
});
const keysAt = (path: readonly unknown[]) => Object.keys(path[0] === 'author' ? author.shape : shape.shape);

function faultsOf(value: unknown): readonly string[] {
  const read = shape.safeParse(value);
  if (read.success) return [];
  return shapeFaults(read.error, { keys: keysAt, value }).map(
    ({ path, message }) => `${fieldText(path)}: ${message}`,
  );
}

describe('what does not fit a shape is told', () => {
  test.each<[string, unknown, string]>([
    [
      'a name that is none of the list',
      { mode: 'doker' },
      'mode: expected one of local, docker, got "doker"; did you mean docker?',
    ],
    ['something else than a name', { mode: 3 }, 'mode: expected one of local, docker'],
    ['a number that is too large', { rounds: 21 }, 'rounds: expected at most 20, got 21'],
    ['a number that is not whole', { rounds: 1.5 }, 'rounds: expected a whole number, got 1.5'],
    ['a number at the edge', { seconds: 0 }, 'seconds: expected more than 0, got 0'],
    ['a number as text', { seconds: '5' }, 'seconds: expected number, got string'],
    ['a long list', { words: ['a', 'b', 'c'] }, 'words: expected at most 2 items, got 3'],
    ['what the shape says itself', { pair: ['a'] }, 'pair: expected two words'],
    ['an empty text', { author: { name: '', email: '' } }, 'author.name: expected something, got nothing'],
    ['what is missing', { author: { name: 'a' } }, 'author.email: expected string, got nothing'],
    ['a mistyped key', { round: 1 }, 'round: there is no such key; did you mean rounds?'],
    [
      'a key that is like no other',
      { author: { name: 'a', email: '', telephone: 1 } },
      'author.telephone: there is no such key; expected one of name, email',
    ],
  ])('%s', (_, value, told) => expect(faultsOf(value)).toEqual([told]));

  test('all at once, and what stands there is not repeated', () => {
    const told = faultsOf({ words: 'secret', author: 'secret', extra: 'secret' }).join('\n');
    expect(told.split('\n')).toHaveLength(3);
    expect(told).not.toContain('secret');
  });
});
