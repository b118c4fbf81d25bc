import { describe, expect, test } from 'vitest';
import { evaluate, judge, type Scope, stepKey } from '../../../../internal/playbook/condition/evaluate.ts';
import { parseCondition } from '../../../../internal/playbook/condition/parse-condition.ts';
import { fill, parseTemplate } from '../../../../internal/playbook/condition/template.ts';

const scope: Scope = {
  values: {
    lint_enabled: true,
    flag: 'true',
    off: 'false',
    zero: '0',
    empty: '',
    count: 3,
    text: '10',
    'dash-ed': 'x',
    名前: 'あ',
    list: ['a', 'b'],
    map: { inner: { deep: 1 }, 'odd name': 2 },
    nothing: null,
  },
  matrix: { node: 20, os: 'linux' },
  steps: new Map([
    ['build_it', { status: 'success', outputs: { version: '1.10', url: 'x' } }],
    ['lint', { status: 'failure', outputs: {} }],
  ]),
  status: 'failure',
  exists: (name) => name === 'package.json',
};

describe('a condition', () => {
  test.each([
    ['lint_enabled == true', true],
    ['flag == true', true],
    ['off == false', true],
    ['off', false],
    ['zero', false],
    ['empty', false],
    ['flag', true],
    ['missing', false],
    ['missing == null', true],
    ['nothing == null', true],
    ['missing == true', false],
    ['missing != true', true],
    ['count >= 3 and count < 4', true],
    ['text > 9', true],
    ['text == 10', true],
    ["text == '10.0'", false],
    ["text < '9'", false],
    ["'b' > 'a'", true],
    ['missing < 1', false],
    ['missing >= 1', false],
    ['true < 2', false],
    ['list == list', false],
    ['list', true],
    ["list[1] == 'b'", true],
    ['list[9] == null', true],
    ['list.length == null', true],
    ['map.inner.deep == 1', true],
    ['map["odd name"] == 2', true],
    ['map.constructor == null', true],
    ['constructor == null', true],
    ['dash-ed == "x"', true],
    ["名前 == 'あ'", true],
    ['matrix.node == 20', true],
    ["matrix.os != 'linux'", false],
    ["steps.build_it.version == '1.10'", true],
    ["steps['Build it'].version == '1.10'", true],
    ['steps.lint.version == null', true],
    ["status('Build it') == 'success'", true],
    ['status(lint) == "failure"', true],
    ["status(nobody) == 'success'", false],
    ["status() == 'failure'", true],
    ["exists('package.json')", true],
    ["exists('other.json')", false],
    ['exists(count)', true],
    ['exists(nothing)', false],
    ['exists(steps.build_it.url)', true],
    ['not missing', true],
    ['!missing && !off || false', true],
    ['not count == 3', false],
    ['true or false and false', true],
    ['(true or false) and false', false],
    ["'it\\'s' == \"it's\"", true],
    ['-1.5 < -1', true],
    ['and_more == null', true],
  ])('%s is %s', (text, met) => {
    expect(judge(parseCondition(text), scope)).toBe(met);
  });

  test.each([
    ['', 'expected a name, a text in quotes, a number, true, false, null or ( at the end'],
    ['a ==', 'at the end'],
    ['a = 1', 'cannot read "= 1" at character 3'],
    ['a == 1 == 2', 'got two in a row; use and'],
    ['a b', 'expected and, or, a comparison, or the end at character 3'],
    ['(a', 'expected ) at the end'],
    ['a)', 'at character 2'],
    ['and a', 'at character 1'],
    ['run("x")', 'expected exists() or status(), got run() at character 1'],
    ['exist("x")', 'did you mean exists()?'],
    ['exists()', 'expected a path, or the name of a file in quotes at character 8'],
    ['exists(1)', 'at character 8'],
    ['status(a.b)', 'expected ) at character 9'],
    ['status() == "failed"', 'cancelled, got "failed"'],
    [
      'status() == 1',
      'expected status() to be compared with one of success, failure, skipped, cancelled, got 1',
    ],
    ['a[-1]', 'expected a name in quotes, or a whole number at character 3'],
    ['a["x"', 'expected ] at the end'],
    ['a.1', 'expected a name at character 3'],
    ["'open", 'cannot read'],
    ['$(id)', 'cannot read "$(id)" at character 1'],
    ['`id`', 'cannot read'],
    ['9'.repeat(16), 'cannot read'],
    ['('.repeat(30), 'expected at most 20 levels'],
    ['not '.repeat(30), 'expected at most 20 levels'],
    ['a or '.repeat(300), 'expected at most 500 words'],
    ['a'.repeat(2001), 'expected at most 2000 characters, got 2001'],
  ])('%j does not parse, and it is said where', (text, message) => {
    expect(() => parseCondition(text)).toThrow(message);
  });
});

describe('the name of a step', () => {
  test.each([
    ['Install dependencies', 'install_dependencies'],
    ['  unit-tests (fast)! ', 'unit_tests_fast'],
    ['テスト 1', 'テスト_1'],
  ])('%j is found as %s', (name, key) => {
    expect(stepKey(name)).toBe(key);
  });
});

describe('a text with places', () => {
  test.each([
    ['plain', 'plain'],
    ['v${' + '{ steps.build_it.version }}-${' + '{matrix.os}}', 'v1.10-linux'],
    ['${' + '{ missing }}', ''],
    ['${' + '{ list }}', '["a","b"]'],
    ['${' + '{ count == 3 }}', 'true'],
    ['$HOME {{x}}', '$HOME {{x}}'],
  ])('%s becomes %s', (text, filled) => {
    expect(fill(parseTemplate(text), scope)).toBe(filled);
  });

  test('a place that does not end, or does not parse, is refused', () => {
    expect(() => parseTemplate('a ${' + '{ b')).toThrow('expected }} behind the');
    expect(() => parseTemplate('${' + '{ b = }}')).toThrow('cannot read');
  });

  test('a value is never read as a place again', () => {
    const values = { a: '${' + '{ count }}' };
    expect(fill(parseTemplate('${' + '{ a }}'), { ...scope, values })).toBe('${' + '{ count }}');
  });
});

test('what an expression comes to is a value of its scope, or true and false', () => {
  expect(evaluate(parseCondition('list'), scope)).toEqual(['a', 'b']);
  expect(evaluate(parseCondition("count and 'x'"), scope)).toBe(true);
});
