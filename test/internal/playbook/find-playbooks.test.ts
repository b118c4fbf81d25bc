import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findPlaybooks, makeLoader, readPlaybookFile } from '../../../internal/playbook/find-playbooks.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-find-'));
  for (const name of ['repo/playbooks', 'own', 'outside']) mkdirSync(join(home, name), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
const put = (name: string, text = 'x') => writeFileSync(join(home, name), text);
const repository = () => ({
  path: join(home, 'repo/playbooks'),
  within: join(home, 'repo'),
  source: 'repository',
});
const own = () => ({ path: join(home, 'own'), within: null, source: 'user' });
const idsOf = async (...folders: Parameters<typeof findPlaybooks>[0]) =>
  (await findPlaybooks(folders)).map(({ id, source }) => `${id} (${source})`);

describe('the playbooks of folders', () => {
  test('are files with the endings of YAML and JSON, of which the first folder that has an id wins', async () => {
    for (const name of ['b.yaml', 'a.yml', 'c.json', '.hidden.yaml', 'README.md'])
      put(`repo/playbooks/${name}`);
    for (const name of ['b.yaml', 'z.yaml']) put(`own/${name}`);
    expect(await idsOf(repository(), own())).toEqual([
      ...['a (repository)', 'b (repository)', 'c (repository)', 'z (user)'],
    ]);
  });

  test('are none where there is no folder', async () => {
    expect(await idsOf({ ...own(), path: join(home, 'gone') })).toEqual([]);
  });

  test('do not lead out of a repository, and may lead out of your own folder', async () => {
    put('outside/secret.yaml');
    put('repo/near.yaml');
    for (const folder of ['repo/playbooks', 'own']) {
      symlinkSync(join(home, 'outside/secret.yaml'), join(home, folder, 'out.yaml'));
      symlinkSync(join(home, 'repo/near.yaml'), join(home, folder, 'near.yaml'));
      symlinkSync(join(home, 'nowhere'), join(home, folder, 'broken.yaml'));
    }
    expect(await idsOf(repository())).toEqual(['near (repository)']);
    expect(await idsOf(own())).toEqual(['near (user)', 'out (user)']);
    const linked = { ...repository(), path: join(home, 'repo/linked') };
    symlinkSync(join(home, 'outside'), linked.path);
    expect(await idsOf(linked)).toEqual([]);
  });
});

describe('the file of a playbook', () => {
  test('is neither waited for nor read when it is no file, too large or not UTF-8', async () => {
    execFileSync('mkfifo', [join(home, 'fifo.yaml')]);
    put('large.yaml', 'x'.repeat(1024 * 1024 + 1));
    writeFileSync(join(home, 'bytes.yaml'), Buffer.from([0xff, 0xfe]));
    const read = (name: string) => readPlaybookFile(join(home, name));
    await expect(read('fifo.yaml')).rejects.toMatchObject({ code: 'KERUTA_ERR_PLAYBOOK' });
    await expect(read('large.yaml')).rejects.toThrow('expected at most 1048576');
    await expect(read('bytes.yaml')).rejects.toThrow('is not UTF-8 text');
    await expect(read('gone.yaml')).rejects.toMatchObject({ code: 'KERUTA_ERR_FILE_NOT_FOUND' });
  });

  test('includes others relative to itself, by names that are the same for the same file', async () => {
    mkdirSync(join(home, 'x'));
    put('x/a.yaml', 'text');
    const load = makeLoader(home);
    expect(await load('./a.yaml', 'x/b.yaml')).toEqual({ file: 'x/a.yaml', text: 'text' });
    expect(await load('../x/a.yaml', 'x/b.yaml')).toEqual({ file: 'x/a.yaml', text: 'text' });
    expect((await load(join(home, 'x/a.yaml'), 'x/b.yaml')).file).toBe(join(home, 'x/a.yaml'));
  });
});
