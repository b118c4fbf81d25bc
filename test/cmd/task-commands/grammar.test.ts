import { describe, expect, test } from 'vitest';
import { parseLevel, parsePercentage, parseSpoken } from '../../../cmd/keruta/task-commands/grammar.ts';
import { parseSeconds } from '../../../cmd/keruta/task-commands/seconds.ts';

describe('parseSpoken', () => {
  test('reads positionals, values, flags and their negation in any order', () => {
    const spoken = parseSpoken([
      'fail',
      '--message=a=b',
      '--no-auto-fix',
      '--error-code',
      'E',
      '--task-id',
      't',
    ]);
    expect(spoken).toMatchObject({
      command: { name: 'fail' },
      positionals: [],
      values: { message: 'a=b', 'error-code': 'E', 'task-id': 't' },
      flags: { 'auto-fix': false },
    });
  });

  test('everything behind -- is a positional, and so is a negative number', () => {
    expect(parseSpoken(['log', 'INFO', '--', '--not-an-option'])?.positionals).toEqual([
      'INFO',
      '--not-an-option',
    ]);
    expect(parseSpoken(['progress', '-5'])?.positionals).toEqual(['-5']);
  });

  test.each([
    [[]],
    [['daemon']],
    [['start', '--help']],
    [['start', '-v']],
    [['start', 'extra']],
    [['progress']],
    [['progress', '5', '--mesage', 'x']],
    [['start', '--message']],
    [['fail', '--auto-fix=yes']],
    [['log']],
  ])('%j is left to the full command line', (argv) => expect(parseSpoken(argv)).toBeNull());
});

test.each([
  ['0', 0],
  ['100', 100],
  ['50%', 50],
])('%s is a percentage', (text, number) => expect(parsePercentage(text)).toBe(number));

test.each(['150', '-5', '5.5', 'half', '', '1e1', '0x10'])(
  '"%s" is refused as a percentage, by name',
  (text) => {
    expect(() => parsePercentage(text)).toThrow(`expected a whole number from 0 to 100, got "${text}"`);
  },
);

test('levels are read in any case and refused by name', () => {
  expect(parseLevel('warning')).toBe('WARN');
  expect(() => parseLevel('LOUD')).toThrow('expected DEBUG, INFO, WARN or ERROR, got "LOUD"');
});

test('durations are seconds unless they say otherwise', () => {
  expect(['90', '1.5m', '250ms', '1h', '1d'].map((text) => parseSeconds('timeout', text))).toEqual([
    90, 90, 0.25, 3600, 86_400,
  ]);
  for (const text of ['', '0', '-1', '5x', 'soon'])
    expect(() => parseSeconds('timeout', text)).toThrow('expected a duration');
});
