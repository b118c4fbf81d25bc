import { describe, expect, test } from 'vitest';
import { faultTable, rowsIn } from '../../scripts/fault-table.ts';

const passed = (file: string, title: string) => ({ file, title, status: 'passed' });

describe('the table of a run of fault rows', () => {
  test('has a line for each row, in order, with its tests, the sum of its rounds and what it measured', () => {
    const tests = [
      passed('test/faults/b.test.ts', 'F-100: nothing is fetched'),
      passed('test/faults/a.test.ts', 'F-09: it starts'),
    ];
    const tallies = [
      { row: 'F-09', rounds: 2, lines: 1000, note: 'dead after 2 ms' },
      { row: 'F-09', rounds: 3, lines: 200 },
      { row: 'F-100', rounds: 1 },
    ];
    expect(faultTable({ tests, tallies }).slice(2)).toEqual([
      '| F-09 | `test/faults/a.test.ts`: F-09: it starts | 5 | 1,200 | 1 passed; dead after 2 ms |',
      '| F-100 | `test/faults/b.test.ts`: F-100: nothing is fetched | 1 |  | 1 passed |',
    ]);
  });

  test('tells what failed and what was skipped, and counts neither as passed', () => {
    const tests = [
      passed('t', 'F-01: a'),
      { file: 't', title: 'F-01: b', status: 'failed' },
      { file: 't', title: 'F-01: c', status: 'pending' },
    ];
    const [line] = faultTable({ tests, tallies: [] }).slice(2);
    expect(line).toContain('| 1 passed, **1 failed**, 1 skipped |');
  });

  test('counts a test for each row that its title names, and shows a row that has tallies alone', () => {
    expect(rowsIn('F-121, F-122: beside, as F-121 says')).toEqual(['F-121', 'F-122']);
    const lines = faultTable({
      tests: [passed('t', 'F-121, F-122: beside')],
      tallies: [{ row: 'G-12', rounds: 1, note: 'a | b\nc' }],
    });
    expect(lines.slice(2).map((line) => line.split(' | ')[0])).toEqual(['| F-121', '| F-122', '| G-12']);
    expect(lines.at(-1)).toBe('| G-12 |  | 1 |  | a \\| b c |');
  });

  test('shows the first of many titles and notes, and how many more there are', () => {
    const tests = Array.from({ length: 9 }, (_, index) => passed('t', `F-01: ${index}`));
    const [line] = faultTable({ tests, tallies: [] }).slice(2);
    expect(line).toContain('F-01: 0; F-01: 1; F-01: 2; F-01: 3; 5 more |');
  });
});
