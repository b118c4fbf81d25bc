import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../fixtures/git.ts';
import { allocate, deadIdentity, fileAt, fsck, makePool, statusOf } from './pool-fixture.ts';

const files = { 'a.txt': 'one\n', 'b.txt': 'b\n', '.gitignore': 'build/\n' };

describe('what is left in a slot', () => {
  test('changed, new and removed files are kept in the mirror when it is returned, and told', async () => {
    const remote = makeRepository(files);
    const { pool, said } = makePool();
    const slot = await allocate(pool, remote, 'task seven');
    write(slot.path, { 'a.txt': 'mine\n', 'deep/new.txt': 'new\n' });
    rmSync(join(slot.path, 'b.txt'));
    const { kept } = await pool.release({ id: slot.id });
    expect(kept).toMatchObject([{ slotId: slot.id, path: slot.mirrorPath, what: 'changed and new files' }]);
    const commitId = kept[0]?.commit ?? '';
    expect(fileAt(slot.mirrorPath, commitId, 'a.txt')).toBe('mine\n');
    expect(fileAt(slot.mirrorPath, commitId, 'deep/new.txt')).toBe('new\n');
    expect(git(slot.mirrorPath, '--git-dir=.', 'log', '-1', '--format=%B', commitId)).toContain('task seven');
    expect(said).toContain('warn something was left in a slot; it is kept');
    expect((await pool.list()).kept).toEqual(kept);
    expect(statusOf(slot.path)).toBe('');
    fsck(slot.mirrorPath);
    const next = await allocate(pool, remote, 'task eight');
    expect(next).toMatchObject({ path: slot.path, kept: [] });
    expect(readFileSync(join(next.path, 'a.txt'), 'utf8')).toBe('one\n');
  });

  test('commits on branches, a detached HEAD, tags and every stash are kept; what the repository has is not', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const slot = await allocate(pool, remote);
    const at = slot.path;
    git(at, 'branch', 'same');
    git(at, 'checkout', '--quiet', '-b', 'feature/x');
    const one = commit(at, { 'x.txt': 'x\n' }, 'one');
    git(at, 'checkout', '--quiet', '--detach', slot.commit);
    const two = commit(at, { 'y.txt': 'y\n' }, 'two');
    git(at, 'tag', '--annotate', '--message', 'z', 'z', commit(at, { 'z.txt': 'z\n' }, 'three'));
    git(at, 'checkout', '--quiet', '--detach', two);
    for (const text of ['s1', 's2']) {
      write(at, { 'a.txt': text });
      git(at, 'stash', 'push', '--quiet');
    }
    git(at, 'checkout', '--quiet', '--detach', slot.commit);
    git(at, 'checkout', '--quiet', '--detach', two);
    const { kept } = await pool.release({ id: slot.id });
    const tails = kept.map(({ ref }) => ref?.replace(/^refs\/keruta\/kept\/[^/]+\//, '')).sort();
    // HEAD at "two" is where the work tree stands, with a file that the pool's HEAD does not have
    expect(tails).toEqual(['HEAD', 'heads/feature/x', 'stash-0', 'stash-1', 'tags/z', 'work'].sort());
    expect(kept.find(({ ref }) => ref?.endsWith('/heads/feature/x'))).toMatchObject({
      commit: one,
      what: 'branch feature/x',
    });
    fsck(slot.mirrorPath);
    expect(git(slot.path, 'for-each-ref')).toBe('');
  });

  test('commits whose files the pool itself committed or the repository has by another name are not kept twice', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const slot = await allocate(pool, remote);
    git(slot.path, 'commit', '--quiet', '--allow-empty', '--message', 'nothing in it');
    expect(await pool.release({ id: slot.id })).toMatchObject({ kept: [] });
  });

  test('in a free slot is kept before the slot is handed out, and told to whoever gets it', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const slot = await allocate(pool, remote);
    await pool.release({ id: slot.id });
    write(slot.path, { 'note.txt': 'do not lose me\n' });
    const next = await allocate(pool, remote, 'two');
    expect(next.kept).toMatchObject([{ what: 'changed and new files' }]);
    expect(fileAt(next.mirrorPath, next.kept[0]?.commit ?? '', 'note.txt')).toBe('do not lose me\n');
    expect(existsSync(join(next.path, 'note.txt'))).toBe(false);
  });

  test('that git cannot keep, such as a repository within, stays a directory of its own', async () => {
    const remote = makeRepository(files);
    const { pool, directory } = makePool();
    const slot = await allocate(pool, remote);
    const inner = join(slot.path, 'inner');
    write(inner, { 'x.txt': 'x\n' });
    git(inner, 'init', '--quiet');
    await pool.release({ id: slot.id });
    const next = await allocate(pool, remote, 'two');
    expect(statusOf(next.path)).toBe('');
    expect(existsSync(join(next.path, 'inner'))).toBe(false);
    const kept = (await pool.list()).kept.find(({ ref }) => ref === null);
    expect(kept?.path.startsWith(directory)).toBe(true);
    expect(readFileSync(join(kept?.path ?? '', 'inner/x.txt'), 'utf8')).toBe('x\n');
  });
});

describe('a .git that somebody did something to', () => {
  const leave = async (change: (path: string) => void) => {
    const remote = makeRepository(files);
    const { pool, directory } = makePool();
    const [slot, other] = [await allocate(pool, remote, 'one'), await allocate(pool, remote, 'two')];
    write(slot.path, { 'a.txt': 'mine\n' });
    change(slot.path);
    const { kept } = await pool.release({ id: slot.id });
    // whatever was done there: mirror and other slots are as they were, and the slot is handed out again
    fsck(slot.mirrorPath);
    expect(statusOf(other.path)).toBe('');
    expect(git(other.path, 'log', '--format=%s')).toBe('first');
    const next = await allocate(pool, remote, 'three');
    expect(statusOf(next.path)).toBe('');
    expect(readFileSync(join(next.path, 'a.txt'), 'utf8')).toBe('one\n');
    return { kept, slot, next, directory };
  };

  test('removed: the files are kept all the same', async () => {
    const { kept, slot } = await leave((path) => rmSync(join(path, '.git'), { recursive: true }));
    expect(fileAt(slot.mirrorPath, kept[0]?.commit ?? '', 'a.txt')).toBe('mine\n');
  });

  test('replaced by another repository: the directory is moved aside with it', async () => {
    const { kept } = await leave((path) => {
      rmSync(join(path, '.git'), { recursive: true });
      git(path, 'init', '--quiet');
      commit(path, { 'other.txt': 'x' }, 'other');
    });
    const aside = kept.find(({ ref }) => ref === null)?.path ?? '';
    expect(git(aside, 'log', '--format=%s')).toBe('other');
  });

  test('replaced by a link, and its parts by links: nothing outside is touched', async () => {
    const outside = temporaryDirectory('outside');
    write(outside, { 'objects/keep': 'x', config: 'mine', 'logs/HEAD': 'mine' });
    await leave((path) => {
      rmSync(join(path, '.git'), { recursive: true });
      symlinkSync(outside, join(path, '.git'));
    });
    await leave((path) => {
      for (const name of ['objects', 'config', 'logs', 'refs', 'hooks']) {
        rmSync(join(path, '.git', name), { recursive: true, force: true });
        symlinkSync(join(outside, name), join(path, '.git', name));
      }
    });
    expect(readFileSync(join(outside, 'config'), 'utf8')).toBe('mine');
    expect(readFileSync(join(outside, 'logs/HEAD'), 'utf8')).toBe('mine');
    expect(readdirSync(join(outside, 'objects'))).toEqual(['keep']);
  });

  test('with objects that cannot be read: nothing is lost', async () => {
    const { kept } = await leave((path) => {
      commit(path, { 'c.txt': 'c\n' }, 'mine');
      for (const name of readdirSync(join(path, '.git/objects')))
        if (/^[0-9a-f]{2}$/.test(name)) rmSync(join(path, '.git/objects', name), { recursive: true });
    });
    const aside = kept.find(({ ref }) => ref === null)?.path ?? '';
    expect(readFileSync(join(aside, 'c.txt'), 'utf8')).toBe('c\n');
  });

  test('with configuration, hooks and attributes that name programs: none is run by the pool', async () => {
    const leak = join(temporaryDirectory('leak'), 'leak');
    const evil = join(temporaryDirectory('evil'), 'evil.sh');
    writeFileSync(evil, `#!/bin/sh\necho ran >> ${leak}\ncat\n`, { mode: 0o755 });
    await leave((path) => {
      const settings = [
        'core.fsmonitor',
        'filter.evil.clean',
        'filter.evil.smudge',
        'core.alternateRefsCommand',
      ];
      for (const name of [...settings, 'uploadpack.packObjectsHook', 'core.sshCommand', 'diff.external'])
        git(path, 'config', name, evil);
      write(path, { '.gitattributes': '* filter=evil\n', '.git/info/attributes': '* filter=evil\n' });
      for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change'])
        execFileSync('cp', [evil, join(path, '.git/hooks', hook)]);
      write(path, { 'b.txt': 'changed\n' });
    });
    expect(existsSync(leak)).toBe(false);
  });

  test('with locks that a killed git left: they are removed', async () => {
    await leave((path) => writeFileSync(join(path, '.git/index.lock'), ''));
  });
});

test('a slot whose record cannot be read is looked through like any other', async () => {
  const remote = makeRepository(files);
  const { pool, as } = makePool();
  const slot = await allocate(as({ holder: deadIdentity }), remote);
  write(slot.path, { 'a.txt': 'mine\n' });
  writeFileSync(`${slot.path}.json`, '{"torn');
  const next = await allocate(pool, remote, 'two');
  expect(next.path).toBe(slot.path);
  expect(next.kept).toMatchObject([{ what: 'changed and new files' }]);
});
