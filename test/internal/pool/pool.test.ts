import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commit, git, makeRepository, write } from '../../fixtures/git.ts';
import { badUrls } from '../../fixtures/hostile-names.ts';
import { allocate, fsck, makePool, statusOf } from './pool-fixture.ts';

const files = { 'a.txt': 'one\n', 'src/b.txt': 'b\n', '.gitignore': 'build/\n' };

describe('a slot', () => {
  test('is a clean work tree at the default branch, with a .git that works, for this user alone', async () => {
    const remote = makeRepository(files, 'trunk');
    const { pool, directory } = makePool();
    const slot = await allocate(pool, remote);
    const id = git(remote, 'rev-parse', 'HEAD');
    expect(slot).toMatchObject({
      commit: id,
      isResumed: false,
      kept: [],
      repositoryUrl: remote,
      branch: null,
    });
    expect(readFileSync(join(slot.path, 'a.txt'), 'utf8')).toBe('one\n');
    expect(statusOf(slot.path)).toBe('');
    expect(git(slot.path, 'log', '--format=%H %s')).toBe(`${id} first`);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(existsSync(join(slot.mirrorPath, 'objects'))).toBe(true);
  });

  test('stands at a branch, a tag, an annotated tag, a commit, or one that no branch has, with a branch of its own', async () => {
    const remote = makeRepository(files);
    const first = git(remote, 'rev-parse', 'HEAD');
    git(remote, 'tag', '--annotate', '--message', 'x', 'v1');
    const second = commit(remote, { 'a.txt': 'two\n' }, 'second');
    git(remote, 'branch', 'side/way', first);
    git(remote, 'update-ref', 'refs/pull/7/head', commit(remote, { 'a.txt': 'three\n' }, 'third'));
    const third = git(remote, 'rev-parse', 'HEAD');
    git(remote, 'reset', '--quiet', '--hard', second);
    const { pool } = makePool();
    const refs = {
      main: second,
      'side/way': first,
      v1: first,
      'refs/heads/main': second,
      [first]: first,
      [third]: third,
    };
    for (const [ref, id] of Object.entries(refs)) {
      const slot = await pool.allocate({ url: remote, requiredBy: ref, ref, branch: 'keruta/x' });
      expect([ref, slot.commit]).toEqual([ref, id]);
      expect(git(slot.path, 'rev-parse', 'HEAD', 'refs/heads/keruta/x').split('\n')).toEqual([id, id]);
      expect(git(slot.path, 'symbolic-ref', 'HEAD')).toBe('refs/heads/keruta/x');
      expect(statusOf(slot.path)).toBe('');
    }
  });

  test('is another one for each who asks, and the same, untouched, for the same one', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const one = await allocate(pool, remote, 'one');
    const two = await allocate(pool, `file://${remote}`, 'two');
    expect(two.path).not.toBe(one.path);
    write(one.path, { 'a.txt': 'mine\n', 'new.txt': 'new\n' });
    commit(remote, { 'a.txt': 'two\n' }, 'second');
    const again = await allocate(pool, remote, 'one');
    expect(again).toMatchObject({
      id: one.id,
      lease: one.lease,
      isResumed: true,
      commit: one.commit,
      kept: [],
    });
    expect(readFileSync(join(one.path, 'a.txt'), 'utf8')).toBe('mine\n');
    expect(existsSync(join(one.path, 'new.txt'))).toBe(true);
  });

  test('that was returned is handed out again, at what the repository has by then; ignored files stay', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const one = await allocate(pool, remote);
    write(one.path, { 'build/cache': 'warm' });
    expect(await pool.release({ id: one.id })).toEqual({ id: one.id, wasFree: false, kept: [] });
    expect(await pool.release({ id: one.id })).toEqual({ id: one.id, wasFree: true, kept: [] });
    commit(remote, { 'a.txt': 'two\n', 'c.txt': 'c\n' }, 'second');
    rmSync(join(remote, 'src/b.txt'));
    const id = commit(remote, {}, 'third');
    const next = await allocate(pool, remote, 'task two');
    expect(next).toMatchObject({ path: one.path, commit: id, isResumed: false, kept: [] });
    expect(next.lease).not.toBe(one.lease);
    expect(readFileSync(join(next.path, 'a.txt'), 'utf8')).toBe('two\n');
    expect(existsSync(join(next.path, 'src/b.txt'))).toBe(false);
    expect(readFileSync(join(next.path, 'build/cache'), 'utf8')).toBe('warm');
    expect(statusOf(next.path)).toBe('');
  });

  test('whose directory somebody removed is made anew', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool();
    const one = await allocate(pool, remote);
    rmSync(one.path, { recursive: true });
    await pool.release({ id: one.id });
    const next = await allocate(pool, remote, 'task two');
    expect(next).toMatchObject({ path: one.path, kept: [] });
    expect(statusOf(next.path)).toBe('');
  });
});

describe('the mirror', () => {
  test('is fetched once for all slots, and again when the repository has something new only', async () => {
    const remote = makeRepository(files);
    const { pool, asked } = makePool();
    const names = ['one', 'two', 'three', 'four'];
    const slots = await Promise.all(names.map((name) => allocate(pool, remote, name)));
    expect(new Set(slots.map(({ path }) => path)).size).toBe(4);
    expect(asked.filter((word) => word === 'fetch')).toHaveLength(1);
    commit(remote, { 'a.txt': 'two\n' }, 'second');
    await allocate(pool, remote, 'five');
    await allocate(pool, remote, 'six');
    expect(asked.filter((word) => word === 'fetch')).toHaveLength(2);
  });

  test('follows branches that are moved, renamed into a folder and removed', async () => {
    const remote = makeRepository(files);
    git(remote, 'branch', 'a');
    const { pool } = makePool();
    await allocate(pool, remote);
    git(remote, 'branch', '--delete', 'a');
    git(remote, 'branch', 'a/b');
    git(remote, 'commit', '--quiet', '--amend', '--message', 'other');
    const slot = await pool.allocate({ url: remote, requiredBy: 'two', ref: 'main' });
    expect(slot.commit).toBe(git(remote, 'rev-parse', 'main'));
    expect(git(slot.mirrorPath, '--git-dir=.', 'for-each-ref', '--format=%(refname)', 'refs/heads')).toBe(
      'refs/heads/a/b\nrefs/heads/main',
    );
  });

  test('that cannot be read is replaced, and moved aside; slots go on', async () => {
    const remote = makeRepository(files);
    const { pool, said } = makePool();
    const slot = await allocate(pool, remote);
    // all of it is gone: it is fetched again
    rmSync(join(slot.mirrorPath, 'objects'), { recursive: true });
    mkdirSync(join(slot.mirrorPath, 'objects'));
    expect(statusOf((await allocate(pool, remote, 'two')).path)).toBe('');
    expect(git(slot.path, 'log', '--format=%s')).toBe('first');
    expect(said).toEqual([]);
    // it is made right again
    writeFileSync(join(slot.mirrorPath, 'config'), '[core');
    commit(remote, { 'a.txt': 'two\n' }, 'second');
    const next = await allocate(pool, remote, 'three');
    expect(readFileSync(join(next.path, 'a.txt'), 'utf8')).toBe('two\n');
    // git takes it for no repository any more
    rmSync(join(slot.mirrorPath, 'HEAD'));
    expect(statusOf((await allocate(pool, remote, 'four')).path)).toBe('');
    fsck(next.mirrorPath);
    expect(git(slot.path, 'log', '--format=%s')).toBe('first');
    expect(said).toContain('warn a damaged mirror is replaced; it was moved aside');
    expect((await pool.list()).kept.map(({ what }) => what)).toEqual(['a damaged mirror']);
  });

  test('of a repository with SHA-256 ids works as well', async () => {
    const remote = makeRepository({});
    rmSync(join(remote, '.git'), { recursive: true });
    git(remote, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main');
    const id = commit(remote, files, 'first');
    const { pool } = makePool();
    const slot = await allocate(pool, remote);
    expect(slot.commit).toBe(id);
    expect(statusOf(slot.path)).toBe('');
    await pool.release({ id: slot.id });
  });
});

describe('what cannot be had is refused', () => {
  test('with words: a ref that is not there, an empty repository, no repository, more slots than there may be', async () => {
    const remote = makeRepository(files);
    const { pool } = makePool({ maxSlots: 1 });
    const ask = (url: string, ref = 'HEAD') => pool.allocate({ url, requiredBy: 'somebody', ref });
    await expect(ask(remote, 'nain')).rejects.toMatchObject({
      code: 'KERUTA_ERR_REF_NOT_FOUND',
      message: expect.stringContaining('it has main'),
    });
    const empty = makeRepository({});
    rmSync(join(empty, '.git'), { recursive: true });
    git(empty, 'init', '--quiet');
    await expect(ask(empty)).rejects.toMatchObject({ code: 'KERUTA_ERR_REF_NOT_FOUND' });
    await expect(ask('/no/such/repository')).rejects.toMatchObject({
      code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE',
    });
    // what failed left no slot behind
    expect((await pool.list()).slots).toEqual([]);
    await allocate(pool, remote, 'one');
    await expect(allocate(pool, remote, 'two')).rejects.toMatchObject({
      code: 'KERUTA_ERR_POOL_FULL',
      message: expect.stringContaining('(one)'),
    });
  });

  test.each(badUrls)('the address %j', async (url) => {
    const { pool, asked } = makePool();
    await expect(pool.allocate({ url, requiredBy: 'x' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_REPOSITORY_REFUSED',
    });
    expect(asked).toEqual([]);
  });

  test.each([
    [{ requiredBy: '' }],
    [{ requiredBy: 'a\nb' }],
    [{ requiredBy: 'x'.repeat(201) }],
    [{ branch: 'a..b' }],
    [{ branch: '-x' }],
    [{ branch: 'refs/heads/x' }],
    [{ leaseMs: 0 }],
    [{ leaseMs: Number.NaN }],
  ])('%j', async (change) => {
    const { pool } = makePool();
    await expect(pool.allocate({ url: '/srv/x', requiredBy: 'x', ...change })).rejects.toMatchObject({
      code: 'KERUTA_ERR_BAD_VALUE',
    });
  });

  test.each(['', 'x', '../../etc-000000000000-1', 'app-0123456789ab-0', 'app-0123456789ab-1'])(
    'the slot %j',
    async (id) => {
      const { pool } = makePool();
      await expect(pool.release({ id })).rejects.toMatchObject({ code: 'KERUTA_ERR_SLOT_NOT_FOUND' });
    },
  );
});

test('the list tells slots of all repositories, who has them and until when, and changes nothing', async () => {
  const { pool } = makePool();
  expect(await pool.list()).toEqual({ slots: [], kept: [] });
  const [one, two] = [makeRepository(files), makeRepository(files)];
  const held = await pool.allocate({ url: one, requiredBy: 'one', leaseMs: 60_000 });
  const free = await allocate(pool, two, 'two');
  await pool.release({ id: free.id });
  writeFileSync(join(held.path, 'new.txt'), 'x');
  const { slots } = await pool.list();
  expect(slots).toHaveLength(2);
  expect(slots.find(({ id }) => id === held.id)).toMatchObject({
    state: 'leased',
    requiredBy: 'one',
    pid: process.pid,
    leaseUntil: held.leaseUntil,
    repositoryUrl: one,
  });
  expect(slots.find(({ id }) => id === free.id)).toMatchObject({
    state: 'free',
    requiredBy: null,
    pid: null,
  });
});
