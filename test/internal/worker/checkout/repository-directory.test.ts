import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryDirectory } from '../../../../internal/worker/checkout/repository-directory.ts';
import { temporaryDirectory, write } from '../../../fixtures/git.ts';

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
