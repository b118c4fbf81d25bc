import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandLoaders } from '../../cmd/keruta/commands.ts';

const root = resolve(import.meta.dirname, '../..');
const guides = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs',
  'docs/reference',
].flatMap((path) =>
  path.endsWith('.md')
    ? [path]
    : readdirSync(join(root, path))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(path, name)),
);
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

describe.each(guides)('%s', (path) => {
  test('links to files that are there', () => {
    const links = [...textOf(path).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(links.filter((link) => !existsSync(resolve(root, dirname(path), link)))).toEqual([]);
  });

  test('names tests and sources that are there', () => {
    const named = [...textOf(path).matchAll(/`((?:test|internal|scripts|cmd|pkg)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    expect(named.filter((name) => !existsSync(join(root, name))).map((name) => relative('.', name))).toEqual(
      [],
    );
  });

  test('names commands that exist', () => {
    const names = Object.keys(commandLoaders);
    const lines = [...textOf(path).matchAll(/^(?:\$ )?keruta ([a-z]+)(?: ([a-z]+))?/gm)];
    const unknown = lines.filter(
      ([, first = '', second = '']) => !names.includes(first) && !names.includes(`${first} ${second}`),
    );
    expect(unknown.map(([line]) => line).filter((line) => !/^keruta (listens|runs)/.test(line))).toEqual([]);
  });
});
