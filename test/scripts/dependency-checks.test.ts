import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  ageProblems,
  countProblems,
  type Installed,
  isAllowed,
  lockProblems,
  manifestProblems,
  newReleases,
  nodeProblems,
  packageProblems,
  versionProblems,
} from '../../scripts/dependency-checks.ts';
import { licences, mostInTotal, mostNamed } from '../../scripts/dependency-rules.ts';
import { isForeign, type Lock, type Locked, type Manifest, resolveIn } from '../../scripts/lock-file.ts';
import { compareVersions, hasFix, isExact } from '../../scripts/versions.ts';

const root = resolve(import.meta.dirname, '../..');
const read = <T>(path: string) => JSON.parse(readFileSync(resolve(root, path), 'utf8')) as T;
const integrity = `sha512-${'A'.repeat(86)}==`;
const good: Locked = { version: '1.2.3', integrity, license: 'MIT' };
const lockOf = (packages: Record<string, Locked>): Lock => ({ lockfileVersion: 3, packages });
const installed: Installed = { version: '1.2.3', license: 'MIT', nativeFiles: [] };

test("S-71: the project's own files pass every check that needs no packages", () => {
  const [manifest, lock] = [read<Manifest>('package.json'), read<Lock>('package-lock.json')];
  expect(manifestProblems(manifest, lock)).toEqual([]);
  expect(lockProblems(lock)).toEqual([]);
  expect(countProblems(manifest, lock)).toEqual([]);
  expect(versionProblems(lock)).toEqual([]);
});

describe('S-71: package.json against the lock file', () => {
  const agreed = lockOf({ '': { dependencies: { a: '1.2.3' } }, 'node_modules/a': good });

  test('nothing is said when both name the same version', () => {
    expect(manifestProblems({ dependencies: { a: '1.2.3' } }, agreed)).toEqual([]);
  });

  test.each([
    '^1.2.3',
    '~1.2.3',
    '1.x',
    '*',
    'latest',
    '',
    '1.2',
    'npm:b@1.2.3',
    'file:../a',
    'git+ssh://host/a',
  ])('the version "%s" is not exact', (wanted) => {
    expect(manifestProblems({ dependencies: { a: wanted } }, agreed)).toEqual([
      expect.stringContaining('expected one exact version'),
    ]);
  });

  test('another version in either place of the lock file is named', () => {
    const own = lockOf({ '': { dependencies: { a: '1.2.2' } }, 'node_modules/a': good });
    const tree = lockOf({
      '': { dependencies: { a: '1.2.3' } },
      'node_modules/a': { ...good, version: '1.2.4' },
    });
    for (const lock of [own, tree, lockOf({})])
      expect(manifestProblems({ devDependencies: { a: '1.2.3' } }, lock).join()).toContain(
        'package.json says 1.2.3',
      );
  });

  test('a package that only the lock file names is left over', () => {
    expect(manifestProblems({}, agreed)).toEqual([
      expect.stringContaining('names a, which package.json does not'),
    ]);
  });
});

describe('S-71: the lock file', () => {
  test.each<[string, Locked, string]>([
    ['no checksum at all', { version: '1.2.3' }, 'got none'],
    [
      'a weak checksum',
      { ...good, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
      'expected a sha512 checksum',
    ],
    ['a source in git', { ...good, resolved: 'git+https://host/a.git#0123' }, 'expected the registry'],
    [
      'a source by http',
      { ...good, resolved: 'http://registry.npmjs.org/a/-/a-1.2.3.tgz' },
      'expected the registry',
    ],
    ['a source elsewhere', { ...good, resolved: 'https://host.example/a.tgz' }, 'expected the registry'],
    ['a link', { link: true, resolved: '../a', integrity }, 'a link'],
    ['a dependency in git', { ...good, dependencies: { b: 'github:someone/b' } }, 'github:someone/b'],
    ['a dependency that is not locked', { ...good, dependencies: { b: '^1.0.0' } }, 'b, which it needs'],
    [
      'no checksum for a package of this system',
      { optional: true, os: ['linux'], version: '1.2.3' },
      'got none',
    ],
  ])('with %s is refused', (_, locked, said) => {
    expect(lockProblems(lockOf({ 'node_modules/a': locked })).join('\n')).toContain(said);
  });

  test('of an older form is refused', () => {
    expect(lockProblems({ lockfileVersion: 1, packages: {} })).toEqual([
      expect.stringContaining('version 3'),
    ]);
  });

  test('needs no checksum for optional packages of other systems alone', () => {
    const foreign: Locked = { version: '1.2.3', optional: true, os: ['darwin'] };
    expect(lockProblems(lockOf({ 'node_modules/a': foreign }))).toEqual([]);
    expect(isForeign({ optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] })).toBe(true);
    expect(isForeign({ optional: true, os: ['linux'], cpu: ['arm64'], libc: ['glibc'] })).toBe(false);
    expect(isForeign({ os: ['darwin'] })).toBe(false);
  });

  test('is searched for a package as Node does it: from the inside out', () => {
    const lock = lockOf({
      'node_modules/a': good,
      'node_modules/a/node_modules/b': good,
      'node_modules/b': good,
      'node_modules/c': good,
    });
    expect(resolveIn(lock, 'node_modules/a', 'b')).toBe('node_modules/a/node_modules/b');
    expect(resolveIn(lock, 'node_modules/a/node_modules/b', 'c')).toBe('node_modules/c');
    expect(resolveIn(lock, 'node_modules/c', 'b')).toBe('node_modules/b');
    expect(resolveIn(lock, 'node_modules/c', 'd')).toBe(null);
  });
});

test('S-71: too many packages are told, named or in total', () => {
  const many = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, value]));
  expect(countProblems({ dependencies: many(mostNamed, '1.2.3') }, lockOf({}))).toEqual([]);
  expect(countProblems({ dependencies: many(mostNamed + 1, '1.2.3') }, lockOf({}))).toHaveLength(1);
  const total = (count: number, over: Partial<Locked> = {}) =>
    lockOf(
      Object.fromEntries(
        Object.keys(many(count, '')).map((name) => [`node_modules/${name}`, { ...good, ...over }]),
      ),
    );
  expect(countProblems({}, total(mostInTotal))).toEqual([]);
  expect(countProblems({}, total(mostInTotal + 1))).toHaveLength(1);
  expect(countProblems({}, total(mostInTotal + 1, { dev: true }))).toEqual([]);
});

describe('S-71: the age of a package', () => {
  const lock = (version: string) =>
    lockOf({
      'node_modules/@a/b': { ...good, version },
      'node_modules/x/node_modules/@a/b': { ...good, version: '3.0.0' },
      'node_modules/old': good,
    });

  test('is asked of what is new in the lock file, once', () => {
    const before = lockOf({ 'node_modules/old': good });
    expect(newReleases(before, lock('2.0.0'))).toEqual([
      { name: '@a/b', version: '2.0.0' },
      { name: '@a/b', version: '3.0.0' },
    ]);
    expect(newReleases(lock('1.0.0'), lock('3.0.0'))).toEqual([]);
    expect(newReleases(lock('1.0.0'), lock('1.0.0'))).toEqual([]);
  });

  test('is at least 14 days, but for those that have a reason', () => {
    const now = '2026-11-22T12:00:00.000Z';
    const at = (published: string) => ageProblems(new Map([['a@1.0.0', published]]), now, {});
    expect(at('2026-11-08T12:00:00.000Z')).toEqual([]);
    expect(at('2026-11-08T12:00:01.000Z')).toEqual([
      expect.stringContaining('a@1.0.0: published 13 days ago'),
    ]);
    const young = new Map([['a@1.0.0', now]]);
    expect(ageProblems(young, now, { 'a@1.0.0': 'why' })).toEqual([]);
  });
});

test.each([
  ['tar', '7.5.20'],
  ['systeminformation', '5.31.6'],
  ['undici', '7.23.9'],
  ['undici', '6.99.0'],
  ['winston', '3.18.3'],
  ['js-yaml', '4.1.0'],
  ['fast-uri', '4.0.0'],
  ['fast-uri', '3.1.2'],
  ['fastify', '5.8.0'],
  ['pkg', '5.8.1'],
  ['node', '24.21.0'],
])('S-66 to S-70: %s %s is refused, wherever it lies', (name, version) => {
  for (const path of [`node_modules/${name}`, `node_modules/x/node_modules/${name}`])
    expect(versionProblems(lockOf({ [path]: { ...good, version } }))).toEqual([
      expect.stringContaining(path),
    ]);
});

test('S-66 to S-70: the fixed versions and later lines are taken', () => {
  const versions = {
    tar: '7.5.21',
    undici: '8.0.0',
    winston: '3.19.0',
    'fast-uri': '4.0.1',
    '@yao-pkg/pkg': '6.23.0',
  };
  const packages = Object.entries(versions).map(([name, version]) => [
    `node_modules/${name}`,
    { ...good, version },
  ]);
  expect(versionProblems(lockOf(Object.fromEntries(packages)))).toEqual([]);
});

describe('S-71: an installed package', () => {
  test.each<[string, Partial<Installed>, string]>([
    ['of another version', { version: '1.2.4' }, 'is installed'],
    ['without licence', { license: undefined }, 'licence undefined'],
    ['with a licence of another kind', { license: 'AGPL-3.0-only' }, 'AGPL-3.0-only'],
    ['with a licence in the old form', { license: { type: 'MIT' } }, 'expected one of'],
    ['with an install script', { scripts: { postinstall: 'node steal.js' } }, 'install script'],
    ['with machine code', { nativeFiles: ['build/x.node'] }, 'build/x.node'],
  ])('%s is refused', (_, over, said) => {
    expect(packageProblems('node_modules/a', good, { ...installed, ...over })).toEqual([
      expect.stringContaining(said),
    ]);
  });

  test('that is as it should be is taken; one that is missing only when it is optional', () => {
    expect(packageProblems('node_modules/a', good, installed)).toEqual([]);
    expect(packageProblems('node_modules/a', { ...good, optional: true }, null)).toEqual([]);
    expect(packageProblems('node_modules/a', good, null)).toEqual([expect.stringContaining('not installed')]);
  });

  test('may have a script that is left out, or the licence of a tool, when it is a tool', () => {
    const scripts = { postinstall: 'node install.js' };
    const tool: Locked = { ...good, dev: true };
    expect(packageProblems('node_modules/esbuild', tool, { ...installed, scripts })).toEqual([]);
    expect(packageProblems('node_modules/esbuild', good, { ...installed, scripts })).toHaveLength(1);
    expect(packageProblems('node_modules/a', tool, { ...installed, license: 'MPL-2.0' })).toEqual([]);
    expect(packageProblems('node_modules/a', good, { ...installed, license: 'MPL-2.0' })).toHaveLength(1);
  });
});

test.each([
  ['MIT', true],
  ['(MIT OR WTFPL)', true],
  ['(GPL-3.0 OR AGPL-3.0)', false],
  ['MIT AND Apache-2.0', true],
  ['MIT AND GPL-3.0', false],
  ['MIT AND GPL-3.0 OR MIT', false],
  ['UNLICENSED', false],
  ['SEE LICENSE IN LICENSE', false],
])('the licence %s is allowed: %s', (expression, allowed) => {
  expect(isAllowed(expression, licences)).toBe(allowed);
});

describe('S-64: the Node in the executable', () => {
  test.each([
    ['24.21.0', '2026-11-21', 0],
    ['24.21.0', '2028-01-31', 0],
    ['24.21.0', '2028-02-01', 1],
    ['24.21.0', '2029-01-01', 1],
    ['24.20.9', '2026-11-21', 1],
    ['20.19.0', '2026-11-21', 1],
    ['25.1.0', '2026-11-21', 1],
  ])('%s on %s has %i problems', (version, day, count) => {
    expect(nodeProblems(version, day)).toHaveLength(count);
  });
});

test('versions are compared by number, pre-releases come before', () => {
  expect(compareVersions('1.10.0', '1.9.9')).toBeGreaterThan(0);
  expect(compareVersions('1.0.0-rc.1', '1.0.0')).toBeLessThan(0);
  expect(compareVersions('2.0.0-rc.1', '1.9.9')).toBeGreaterThan(0);
  expect(hasFix('8.0.0', ['6.24.0', '7.24.0'])).toBe(true);
  expect(hasFix('6.24.1', ['6.24.0', '7.24.0'])).toBe(true);
  expect(hasFix('7.1.0', ['6.24.0', '7.24.0'])).toBe(false);
  expect(hasFix('5.9.9', ['6.24.0', '7.24.0'])).toBe(false);
  expect(['1.2.3', '1.2.3-rc.1'].every(isExact)).toBe(true);
  expect(['v1.2.3', '1.2.3 || 2.0.0', '1.2'].some(isExact)).toBe(false);
});
