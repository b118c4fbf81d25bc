import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { detectTests, testFiles } from '../../../internal/coder/detect-tests.ts';
import { readRootFiles } from '../../../internal/coder/root-files.ts';
import { closedDirectory } from '../../../pkg/files/closed-directory.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

const found = (files: Readonly<Record<string, string>>) =>
  detectTests({ names: Object.keys(files), read: (name) => files[name] ?? null });
const npm = (script: string) => JSON.stringify({ scripts: { test: script } });

test('what is read of a work tree is enough to find its tests, and no link is followed', async () => {
  const root = realpathSync(temporaryDirectory('root-files'));
  writeFileSync(join(root, 'Makefile'), 'test:\n\ttrue\n');
  symlinkSync('/etc/hostname', join(root, 'package.json'));
  mkdirSync(join(root, 'setup.cfg'));
  const files = await readRootFiles(closedDirectory({ root }));
  expect([files.names, files.read('package.json'), files.read('setup.cfg')]).toEqual([
    ['Makefile', 'setup.cfg'],
    null,
    null,
  ]);
  expect(detectTests(files)).toMatchObject({ kind: 'make' });
});

test('every file that is looked into is named as one that is read', () => {
  const asked = new Set<string>();
  const names = [
    'package.json',
    'pyproject.toml',
    'setup.cfg',
    'tox.ini',
    'GNUmakefile',
    'makefile',
    'Makefile',
    'tests',
  ];
  const read = (name: string) => {
    asked.add(name);
    return null;
  };
  for (const name of names) detectTests({ names: [name], read });
  expect([...asked].sort()).toEqual([...testFiles].sort());
});

describe('tests are found', () => {
  test.each<[string, Record<string, string>, string, string]>([
    ['a script of npm', { 'package.json': npm('vitest') }, 'npm', 'npm test'],
    ['a script of pnpm', { 'package.json': npm('vitest'), 'pnpm-lock.yaml': '' }, 'npm', 'pnpm test'],
    ['a script of yarn', { 'package.json': npm('jest'), 'yarn.lock': '' }, 'npm', 'yarn test'],
    ['pytest by its file', { 'pytest.ini': '' }, 'pytest', 'python3 -m pytest'],
    [
      'pytest in a project file',
      { 'pyproject.toml': '[project]\n[tool.pytest.ini_options]\n' },
      'pytest',
      'python3 -m pytest',
    ],
    ['pytest by its tests', { 'setup.py': '', tests: '' }, 'pytest', 'python3 -m pytest'],
    ['pytest by a single test', { 'test_sum.py': '' }, 'pytest', 'python3 -m pytest'],
    ['go', { 'go.mod': 'module a' }, 'go', 'go test ./...'],
    ['cargo', { 'Cargo.toml': '' }, 'cargo', 'cargo test'],
    ['a target of make', { Makefile: 'all:\n\ntest: all\n\t./run\n' }, 'make', 'make test'],
    ['npm before make', { Makefile: 'test:\n', 'package.json': npm('x') }, 'npm', 'npm test'],
    ['make where npm has none', { Makefile: 'test:\n', 'package.json': '{}' }, 'make', 'make test'],
  ])('by %s', (_what, files, kind, command) => {
    expect(found(files)).toMatchObject({ kind, command });
  });

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    [
      'what npm writes when there are none',
      { 'package.json': npm('echo "Error: no test specified" && exit 1') },
    ],
    ['a damaged package.json', { 'package.json': '{"scripts": {"test": ' }],
    ['scripts that are no object', { 'package.json': '{"scripts": 1}' }],
    ['a variable of make that is called test', { Makefile: 'test := 1\ntesting:\n' }],
    ['tests of nobody knows what', { tests: '' }],
    ['a project of Python without any', { 'pyproject.toml': '[project]\n' }],
  ])('by %s they are not', (_what, files) => {
    expect(found(files)).toBeNull();
  });

  test('with a report where the tool writes one', () => {
    expect(found({ 'pytest.ini': '' })?.commandWithReport).toBe('python3 -m pytest --junitxml={report}');
    expect(found({ 'go.mod': '' })?.commandWithReport).toBeNull();
  });
});
