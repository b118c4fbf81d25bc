import { expect, test } from 'vitest';
import { formatTable } from '../../../pkg/table/table.ts';

const columns = [{ title: 'ID' }, { title: 'NAME', shrinks: true }, { title: 'N', align: 'right' as const }];

test('columns are as wide as they must be, without spaces at the end', () => {
  const rows = [
    ['a', 'first', '1'],
    ['bcd', 'x', '100'],
  ];
  expect(formatTable({ columns, rows })).toBe('ID   NAME     N\na    first    1\nbcd  x      100\n');
});

test('a column that shrinks is cut to the width of the terminal', () => {
  const table = formatTable({ columns, rows: [['a', 'a very long name indeed', '1']], width: 20 });
  for (const line of table.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(20);
  expect(table).toContain('a very long …');
});

test('text from elsewhere can neither break a line nor steer the terminal', () => {
  expect(formatTable({ columns, rows: [['a', 'x\n\x1b[31my\u202e', '1']] })).toContain(
    'x\\n\\x1b[31my\\u202e',
  );
});

test('wide characters count two columns', () => {
  expect(
    formatTable({
      columns,
      rows: [
        ['修正', 'x', '1'],
        ['abcd', 'y', '2'],
      ],
    }),
  ).toBe('ID    NAME  N\n修正  x     1\nabcd  y     2\n');
});

test('colours do not change the widths', () => {
  const paint = (cell: string) => `\x1b[1m${cell}\x1b[22m`;
  const table = formatTable({ columns: [{ title: 'A', paint }, { title: 'B' }], rows: [['x', 'y']] });
  expect(table).toBe('A  B\n\x1b[1mx\x1b[22m  y\n');
});
