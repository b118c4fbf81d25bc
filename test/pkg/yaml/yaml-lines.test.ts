import { describe, expect, test } from 'vitest';
import { readYamlText } from '../../../pkg/yaml/yaml-lines.ts';

describe('YAML that people wrote', () => {
  test('knows the line of each field, and of what is nearest above one that is not there', () => {
    const { documents = [] } = readYamlText('a: 1\nlist:\n  - x: 1\n    y: 2\n  - x: 3\n');
    const [document] = documents;
    expect(document?.value).toEqual({ a: 1, list: [{ x: 1, y: 2 }, { x: 3 }] });
    expect(
      [['a'], ['list', 0, 'y'], ['list', 1, 'x'], ['list', 1, 'z'], [], ['b']].map((path) =>
        document?.lineOf(path),
      ),
    ).toEqual([1, 4, 5, 5, 1, 1]);
  });

  test('passes over documents that are empty', () => {
    expect(readYamlText('---\n---\na: 1\n---\n').documents).toHaveLength(1);
    expect(readYamlText('').documents).toEqual([]);
  });

  test.each([
    ['a: [1\nb: 2\n', 2],
    ['a: 1\na: 2\n', 2],
    ['a: *nowhere\n', 1],
    ['\n\ta: 1\n', 2],
  ])('%j is a fault with its line', (text, line) => {
    const { faults = [] } = readYamlText(text);
    expect(faults[0]).toEqual({ line, message: expect.stringMatching(/./) });
  });

  test('a text that multiplies itself by aliases is refused', () => {
    const bomb = Array.from(
      { length: 9 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*a${n - 1}`)
          .join(',')}]\n`,
    ).join('');
    expect(readYamlText(bomb).faults).toHaveLength(1);
  });

  test('a text that is deeper than the stack is refused', () => {
    expect(readYamlText('{"a":'.repeat(5_000)).faults?.length).toBeGreaterThan(0);
  });

  test.each(['\n', '[', '{', '"', "'", '?'])(
    'a row of %j, on which the parser would take for ever, is refused with its line',
    (sign) => {
      expect(readYamlText(`a: 1\nb: ${sign.repeat(1_000_000)}`).faults).toEqual([
        { line: 2, message: `expected fewer than 500 ${JSON.stringify(sign)} in a row` },
      ]);
    },
  );
});
