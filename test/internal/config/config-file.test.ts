import { describe, expect, test } from 'vitest';
import { readConfigFile } from '../../../internal/config/config-file.ts';
import { setInFile, settingForFile } from '../../../internal/config/edit-file.ts';

const read = (text: string) => readConfigFile({ path: '/c.yaml', text });

describe('a configuration file', () => {
  test('gives keys with dots, texts as they stand, and lines', () => {
    expect(
      read('a:\n  b: 0x10\n  c: [x, y]\n  d:\n').map(({ key, text, place }) => [key, text, place]),
    ).toEqual([
      ['a.b', '0x10', '/c.yaml:2'],
      ['a.c', 'x,y', '/c.yaml:3'],
    ]);
  });

  test.each(['', '# nothing\n', '---\n'])('may be empty: %j', (text) => expect(read(text)).toEqual([]));

  test.each([
    ['a: [', '/c.yaml:1: expected YAML'],
    ['a: 1\na: 2\n', '/c.yaml:2: expected the key of a setting, got a, which stands there already'],
    ['x: 1\n'.repeat(1_001), '/c.yaml:1001: expected at most 2000 lines and signs of structure'],
    [`a:\n${' '.repeat(201)}b: 1\n`, '/c.yaml:2: expected an indent of at most 200'],
    [`${'k'.repeat(201)}: 1\n`, 'got one of 201 characters'],
    [
      Array.from({ length: 17 }, (_, depth) => `${' '.repeat(depth)}k${depth}:\n`).join(''),
      'more than 16 keys deep',
    ],
    ['a: [x, [y]]\n', '/c.yaml:1: expected a list of texts'],
    ['a: &b {c: 1}\nd:\n  <<: *b\n  <<: *b\n', 'got <<, which stands there already'],
    ['just words', 'expected keys and values'],
    ['- a\n', 'expected keys and values'],
    ['x:\n  __proto__: {a: 1}\n', '/c.yaml:2: expected the key of a setting, got __proto__'],
    ['x'.repeat(1024 * 1024 + 1), 'at most 1 MiB'],
    [
      `a: &a 1\n${Array.from({ length: 101 }, (_, i) => `k${i}: *a\n`).join('')}`,
      '/c.yaml:102: expected at most 100 aliases',
    ],
    ['#\n'.repeat(2001), '/c.yaml:2001: expected at most 2000 lines'],
    [`a: ${'['.repeat(2001)}`, '/c.yaml:1: expected at most 2000 lines and signs'],
    [`a:\n${' '.repeat(201)}b: 1\n`, '/c.yaml:2: expected an indent of at most 200'],
    [`${'k'.repeat(201)}: 1\n`, '/c.yaml:1: expected the key of a setting, got one of 201 characters'],
    [`${'{a: '.repeat(20)}1${'}'.repeat(20)}`, '/c.yaml:1: expected the key of a setting'],
    ['a:\n  - [x]\n', '/c.yaml:1: expected a list of texts'],
  ])('is refused with its place: %.20j', (text, message) => expect(() => read(text)).toThrow(message));

  test('cannot fill the memory by aliases of aliases', () => {
    const names = 'abcdefgh'.split('');
    const text = names
      .map(
        (name, i) =>
          `${name}: &${name} {${Array.from({ length: 9 }, (_, k) => `k${k}: ${i === 0 ? 'x' : `*${names[i - 1]}`}`).join(', ')}}\n`,
      )
      .join('');
    expect(() => read(text)).toThrow(/^\/c\.yaml:\d: expected at most 2000 values/);
  });

  test('that holds itself is refused', () => {
    expect(() => read('a: &a\n  b: *a\n')).toThrow('/c.yaml:2: expected the key of a setting');
  });
});

describe('config set', () => {
  test('keeps comments and other keys', () => {
    const before = '# mine\napi:\n  url: http://a # the old one\n  other: 1\n';
    const after = setInFile(before, 'apiUrl', 'http://b');
    expect(after).toBe('# mine\napi:\n  url: http://b # the old one\n  other: 1\n');
  });

  test('writes into an empty file', () => {
    expect(setInFile('', 'maxFileSize', '200MB')).toBe('artifacts:\n  max_size: 200MB\n');
    expect(setInFile('', 'autoFix', 'no')).toBe('error_handling:\n  auto_fix: false\n');
  });

  test('writes nothing that could not be read back', () => {
    expect(() => setInFile('', 'apiTimeout', 'soon')).toThrow('api.timeout: expected a duration');
    expect(() => setInFile('a: [', 'apiTimeout', '5s')).toThrow('nothing was written');
  });

  test('knows a setting by any name, and says which is near', () => {
    expect(settingForFile('KERUTA_API_URL')).toBe('apiUrl');
    expect(settingForFile('--log-level')).toBe('logLevel');
    expect(() => settingForFile('api.ulr')).toThrow('did you mean api.url?');
    expect(() => settingForFile('KERUTA_ADMIN_TOKEN')).toThrow('only by flag or variable');
  });
});
