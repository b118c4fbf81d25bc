import { expect, test } from 'vitest';
import type { Finding } from '../../../internal/commit-gate/judge.ts';
import { sayFindings } from '../../../internal/commit-gate/say-findings.ts';

const finding = (file: string, detail: string): Finding => ({
  file,
  line: null,
  reason: 'too-large',
  detail,
});

test('a held back commit is told in one line, with files, reasons and what to do', () => {
  expect(sayFindings([finding('a/b.txt', 'line 3 holds the value of TOKEN')])).toBe(
    'Nothing was committed: a/b.txt: line 3 holds the value of TOKEN. Take these out of the change, or commit it by hand.',
  );
});

test('names of files cannot break the line, nor turn its direction', () => {
  const said = sayFindings([finding('a\nb\u001b[2J\u202Etxt "x"', 'it is in conflict')]);
  expect(said).toContain('"a\\nb\\u001b[2J\\u{202e}txt \\"x\\"": it is in conflict');
});

test('of many findings ten are named, and the others counted', () => {
  const many = Array.from({ length: 25 }, (_, at) => finding(`f${at}`, 'x'));
  expect(sayFindings(many)).toMatch(/f9: x; 15 more\./);
});
