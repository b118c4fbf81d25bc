import { expect, test } from 'vitest';
import { formatCsv } from '../../../pkg/csv/csv.ts';

test('fields are separated by commas, and quoted where they must be', () => {
  const rows = [
    ['a', 1, true, null],
    ['with, comma', 'with "quotes"', 'two\nlines', 'a;b'],
  ];
  expect(formatCsv(rows)).toBe('a,1,true,\r\n"with, comma","with ""quotes""","two\nlines","a;b"\r\n');
});

test.each([
  ['=1+1', "'=1+1"],
  ['+cmd', "'+cmd"],
  ['-2', "'-2"],
  ['@SUM(A1)', "'@SUM(A1)"],
  [' =1', "' =1"],
  ['\t=1', '"\'\t=1"'],
  ['\r=1', '"\'\r=1"'],
  ['＝1', "'＝1"],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
])('%j is not a formula any more', (text, written) => {
  expect(formatCsv([[text]])).toBe(`${written}\r\n`);
});

test('a number that is negative stays a number', () => {
  expect(formatCsv([[-2]])).toBe('-2\r\n');
});
