import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nearbyNames } from '../../../../internal/worker/checkout/nearby.ts';
import {
  repositoryDirectory,
  repositoryName,
} from '../../../../internal/worker/checkout/repository-directory.ts';
import { temporaryDirectory, write } from '../../../fixtures/git.ts';

describe('repositoryName', () => {
  test.each([
    ['https://h/a/repo.git', 'repo'],
    ['https://h/a/repo.git/', 'repo'],
    ['https://h/a/repo?x=1', 'repo'],
    ['git@h:a/repo.git', 'repo'],
    ['git@host:repo.git', 'repo'],
    ['file:///srv/My Repo', 'My-Repo'],
    ['https://h/a/..', 'repository'],
    ['https://h/a/.git', 'repository'],
    ['https://h/日本', 'repository'],
    ['', 'repository'],
  ])('of %j is %s', (url, name) => {
    expect(repositoryName(url)).toBe(name);
  });
});

describe('repositoryDirectory', () => {
  const clone = (base: string, url: string) =>
    write(base, { 'app/.git/keruta-clone.json': JSON.stringify({ url, objectFormat: 'sha1' }) });

  test('is the name of the repository while nothing else has it', async () => {
    const base = temporaryDirectory('base');
    expect(await repositoryDirectory(base, 'https://h/a/app.git')).toBe(join(base, 'app'));
    clone(base, 'https://h/a/app.git');
    for (const url of ['https://h/a/app.git', 'https://me:pw@h/a/app', 'https://h/a/app/'])
      expect(await repositoryDirectory(base, url)).toBe(join(base, 'app'));
  });

  test('gets a suffix, always the same, when another repository has the name', async () => {
    const base = temporaryDirectory('base');
    clone(base, 'https://h/a/app.git');
    const other = await repositoryDirectory(base, 'https://h/b/app.git');
    expect(other).toMatch(/\/app-[0-9a-f]{8}$/);
    expect(await repositoryDirectory(base, 'https://h/b/app')).toBe(other);
  });

  test('stays at a place that is not ours, where checkout then refuses', async () => {
    const base = temporaryDirectory('base');
    write(base, { 'app/mine.txt': 'x', 'app/.git/keruta-clone.json': 'not json' });
    expect(await repositoryDirectory(base, 'https://h/a/app.git')).toBe(join(base, 'app'));
  });
});

test('nearbyNames puts what holds the text first, then what is spelt alike', () => {
  const names = ['refs/heads/zebra', 'refs/heads/feature/login', 'refs/tags/v1.0', 'refs/heads/maim'];
  expect(nearbyNames('login', names)[0]).toBe('feature/login');
  expect(nearbyNames('main', names, 1)).toEqual(['maim']);
  expect(nearbyNames('x', [])).toEqual([]);
});
