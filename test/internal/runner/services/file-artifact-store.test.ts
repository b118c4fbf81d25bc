import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fileArtifactStore } from '../../../../internal/runner/services/file-artifact-store.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

const { signal } = new AbortController();

function place() {
  const top = temporaryDirectory('artifacts');
  const [directory, file] = [join(top, 'store'), join(top, 'a.diff')];
  writeFileSync(file, 'one');
  const store = fileArtifactStore({ directory, random: systemRandom });
  const keep = (more: { name?: string; taskId?: string; type?: string; signal?: AbortSignal } = {}) =>
    store.upload({ taskId: 't1', type: 'diff', name: 'a.diff', file, signal, ...more });
  return { top, directory, file, keep };
}

describe('a directory of artifacts', () => {
  test('keeps a file, closed to others, and says where', async () => {
    const { directory, keep } = place();
    const path = fileURLToPath(await keep());
    expect(path).toBe(join(directory, 't1/diff/a.diff'));
    expect(readFileSync(path, 'utf8')).toBe('one');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('keeps a large file whole', async () => {
    const { file, keep } = place();
    const bytes = Buffer.from(Array.from({ length: 700_001 }, (_, at) => at % 251));
    writeFileSync(file, bytes);
    expect(readFileSync(fileURLToPath(await keep())).equals(bytes)).toBe(true);
  });

  test('has the newest of a name, and nothing beside it', async () => {
    const { directory, file, keep } = place();
    await keep();
    writeFileSync(file, 'two');
    expect(readFileSync(fileURLToPath(await keep()), 'utf8')).toBe('two');
    expect(readdirSync(join(directory, 't1/diff'))).toEqual(['a.diff']);
  });

  test.each([
    '../../up',
    '/etc/x',
    'a/b',
    '.',
    '..',
    '.hidden',
    '',
    'a\nb',
    'x'.repeat(500),
    '実'.repeat(90),
    'a\0b',
  ])('takes the name %j, and stays within itself', async (name) => {
    const { directory, keep } = place();
    for (const given of [{ name }, { taskId: name }, { type: name }]) {
      const path = fileURLToPath(await keep(given));
      const parts = relative(directory, path).split('/');
      expect(parts).toHaveLength(3);
      expect(parts.filter((part) => part.startsWith('.'))).toEqual([]);
    }
  });

  test('keeps two names apart that a file cannot have', async () => {
    const { keep } = place();
    const urls = [await keep({ name: 'a/b' }), await keep({ name: 'a_b' }), await keep({ name: 'a:b' })];
    expect(new Set(urls).size).toBe(3);
    expect(urls[1]).toMatch(/\/a_b$/);
  });

  test('follows no link', async () => {
    const { top, directory, keep, file } = place();
    mkdirSync(directory);
    symlinkSync(file, join(top, 'link'));
    const store = fileArtifactStore({ directory, random: systemRandom });
    const linked = { taskId: 't', type: 'log', name: 'x', file: join(top, 'link'), signal };
    await expect(store.upload(linked)).rejects.toMatchObject({ code: 'KERUTA_ERR_ARTIFACT_REFUSED' });
    expect(await keep()).toContain('a.diff');
  });

  test('leaves nothing behind when it is stopped', async () => {
    const { directory, keep } = place();
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(keep({ signal: stopped })).rejects.toThrow('stopped');
    expect(readdirSync(join(directory, 't1/diff'))).toEqual([]);
  });

  test('says when it cannot be written to', async () => {
    const { directory, keep } = place();
    writeFileSync(directory, 'a file in its place');
    chmodSync(directory, 0o600);
    await expect(keep()).rejects.toMatchObject({
      code: 'KERUTA_ERR_SERVICE',
      message: expect.stringContaining('(ENOTDIR)'),
    });
  });
});
