import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { keepConfig } from '../../../pkg/git/kept-config.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

let directory = '';
beforeEach(() => {
  directory = temporaryDirectory('kept-config');
});
const configOf = (isSha256: boolean) =>
  `[core]\n\tbare = true\n${isSha256 ? '\tobjectformat = sha256\n' : ''}`;
const config = () => readFileSync(join(directory, 'config'), 'utf8');

test.each([
  ['an address that leads elsewhere', `${configOf(false)}[url "x"]\n\tinsteadOf = https://\n`, false],
  ['no configuration at all', '[core', false],
  ['that of a repository of longer ids', `${configOf(true)}[filter "x"]\n\tclean = touch caught\n`, true],
])('%s is made right', async (_what, text, isSha256) => {
  writeFileSync(join(directory, 'config'), text);
  await keepConfig(directory, configOf);
  expect(config()).toBe(configOf(isSha256));
});

test.each([
  ['a link', (file: string) => symlinkSync('elsewhere', file)],
  ['a directory', (file: string) => mkdirSync(join(file, 'x'), { recursive: true })],
])('%s in its place is replaced, and what it leads to is left alone', async (_what, put) => {
  writeFileSync(join(directory, 'elsewhere'), 'mine');
  put(join(directory, 'config'));
  await keepConfig(directory, configOf);
  expect([config(), readFileSync(join(directory, 'elsewhere'), 'utf8')]).toEqual([configOf(false), 'mine']);
});

test('a file that names another repository is removed, and where there is no configuration none is made', async () => {
  writeFileSync(join(directory, 'config'), configOf(false));
  writeFileSync(join(directory, 'commondir'), '/elsewhere');
  await keepConfig(directory, configOf);
  expect(existsSync(join(directory, 'commondir'))).toBe(false);
  rmSync(join(directory, 'config'));
  await keepConfig(directory, configOf);
  expect(existsSync(join(directory, 'config'))).toBe(false);
});
