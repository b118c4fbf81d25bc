import { describe, expect, test } from 'vitest';
import { readOutputs } from '../../../internal/playbook/output-file.ts';

describe('the file of outputs', () => {
  test('has values of one line and of several, and the last one of a name counts', () => {
    const text = 'version=1.0\nnotes<<EOF\nfirst\n\nsecond=x\nEOF\n\nempty=\nversion=2.0 = two\n';
    expect(readOutputs(text)).toEqual({
      outputs: { version: '2.0 = two', notes: 'first\n\nsecond=x', empty: '' },
    });
  });

  test('may end its lines as Windows does, and may have no end', () => {
    expect(readOutputs('a=1\r\nb<<X\r\n2\r\nX')).toEqual({ outputs: { a: '1', b: '2' } });
    expect(readOutputs('')).toEqual({ outputs: {} });
  });

  test('keeps the names of prototypes as they are', () => {
    expect(Object.entries(readOutputs('__proto__=1\nconstructor=2\n').outputs ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });

  test.each([
    ['no sign', 'line 1: expected NAME=VALUE or NAME<<WORD, got "no sign"'],
    ['a=1\n=2', 'line 2: expected NAME=VALUE'],
    ['1a=2', 'line 1: expected NAME=VALUE'],
    ['a b=2', 'line 1: expected NAME=VALUE'],
    ['a<<\n1\n', 'line 1: expected a line "WORD" behind the value of a'],
    ['x=1\na<<EOF\n1\n', 'line 2: expected a line "EOF" behind the value of a'],
  ])('%j is refused with the line', (text, fault) => {
    expect(readOutputs(text).fault).toContain(fault);
  });
});
