/** Small configuration files that would grow, and what they cost. */
import { expect, test } from 'vitest';
import { readConfigFile } from '../../internal/config/config-file.ts';
import { ConfigFault } from '../../internal/config/fault.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';

const aliases = (depth: number, width: number) =>
  Array.from({ length: depth }, (_, level) => {
    const inner = level === 0 ? '"lol"' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: width }, () => inner).join(',')}]\n`;
  }).join('');
const maps = aliases(9, 9).replaceAll('[', '{x: ').replaceAll(',', ', y: ').replaceAll(']', '}');

const bombs: readonly (readonly [name: string, text: string])[] = [
  ['a billion laughs', aliases(9, 9)],
  ['a billion laughs of maps', maps],
  ['ten thousand aliases', `a: &a x\nb: [${'*a,'.repeat(10_000)}]\n`],
  ['maps in each other', '{a: '.repeat(100_000)],
  ['lists in each other', '['.repeat(500_000)],
  ['an indent that grows', Array.from({ length: 1_000 }, (_, n) => `${' '.repeat(n)}k:\n`).join('')],
  ['a hundred thousand keys', Array.from({ length: 100_000 }, (_, n) => `k${n}: 1\n`).join('')],
  ['a merge key that holds itself', 'a: &a\n  <<: *a\n  b: 1\n'],
  ['a million question marks', '? '.repeat(500_000)],
  ['a million quotes', '"'.repeat(1_000_000)],
  ['an anchor within itself', 'a: &a [*a, *a]\n'],
];

/** Of the processor, not of the clock: the machine may be busy with something else. @returns ms */
const timeOf = (work: () => void) => {
  const begin = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
};

test.each(bombs)('S-60: %s is refused within 100 ms', (_name, text) => {
  const read = () => expect(() => readConfigFile({ path: '/c.yaml', text })).toThrow(ConfigFault);
  read();
  const tookMs = Math.min(timeOf(read), timeOf(read), timeOf(read));
  expect(tookMs).toBeLessThan(100);
});

test('S-60: a merge key brings nothing into a configuration', () => {
  const text = 'a: &a\n  url: http://evil.example\napi:\n  <<: *a\n  timeout: 7s\n';
  const { values } = loadSettings({
    env: {},
    files: [{ path: '/c.yaml', text }],
    home: '/',
    uid: 1,
    cwd: '/',
  });
  expect(values.apiTimeout).toBe(7_000);
  expect(values.apiUrl).not.toBe('http://evil.example');
});

test('S-60: tags make no objects: what stands behind one is a text', () => {
  const text = 'api:\n  url: !!js/function "function () { return 1 }"\n  timeout: !!binary aGk=\n';
  try {
    const [entry] = readConfigFile({ path: '/c.yaml', text });
    expect(entry?.text).toBe('function () { return 1 }');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigFault);
  }
});
