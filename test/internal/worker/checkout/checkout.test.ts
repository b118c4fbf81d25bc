import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProcess } from '../../../../pkg/process/run.ts';
import { makeBigRepository } from '../../../fixtures/big-repository.ts';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';
import { makeDesk } from './checkout-fixture.ts';

const head = (directory: string) => git(directory, 'rev-parse', 'HEAD');
const read = (directory: string, path: string) => readFileSync(join(directory, path), 'utf8');

describe('checkout', () => {
  test('clones once, then fetches what is new', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    const first = await desk.checkout(remote);
    expect(first).toEqual({
      directory: desk.directory,
      commit: head(remote),
      stashedRef: null,
      fetched: true,
    });
    expect(git(desk.directory, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(await desk.checkout(remote)).toMatchObject({ fetched: false, stashedRef: null });
    const id = commit(remote, { 'a.txt': 'two' }, 'second');
    expect(await desk.checkout(remote, { taskId: 'task-2' })).toMatchObject({ fetched: true, commit: id });
    expect(read(desk.directory, 'a.txt')).toBe('two');
    expect(git(desk.directory, 'rev-parse', 'origin/main')).toBe(id);
    expect(readdirSync(desk.base).sort()).toEqual(['clone', 'private']);
  });

  test('an unchanged clone is asked two questions and nothing is written', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const commands: string[] = [];
    const run: typeof runProcess = (call) => {
      commands.push(call.args.find((word, index) => call.args[index - 1] !== '-c' && word !== '-c') ?? '');
      return runProcess(call);
    };
    const desk = makeDesk({ run });
    await desk.checkout(remote);
    commands.length = 0;
    await desk.checkout(remote);
    expect(commands.sort()).toEqual(['ls-remote', 'status']);
  });

  test('a clone of 5,000 files and 2,000 commits is refreshed in under a second', async () => {
    const remote = join(temporaryDirectory('big'), 'remote.git');
    makeBigRepository({ directory: remote });
    const desk = makeDesk();
    await desk.checkout(remote);
    for (const url of [remote, `file://${remote}`]) {
      // the quickest of some: on a busy machine a single one says more about the others
      let quickestMs = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 8 && quickestMs >= 1_000; round++) {
        const before = performance.now();
        expect(await desk.checkout(url)).toMatchObject({ fetched: false });
        quickestMs = Math.min(quickestMs, performance.now() - before);
      }
      expect(quickestMs).toBeLessThan(1_000);
    }
    expect(git(desk.directory, 'rev-list', '--count', 'HEAD')).toBe('2000');
    rmSync(remote, { recursive: true });
    rmSync(desk.base, { recursive: true });
  });

  test('branches, tags and commits are what a ref may be', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const first = head(remote);
    git(remote, 'tag', '--annotate', '--message', 'first', 'v1');
    git(remote, 'tag', 'light');
    commit(remote, { 'a.txt': 'two' }, 'second');
    git(remote, 'checkout', '--quiet', '-b', 'feature/x');
    const feature = commit(remote, { 'b.txt': 'b' }, 'feature');
    const desk = makeDesk();
    for (const ref of ['v1', 'refs/tags/v1', 'light', first]) {
      expect((await desk.checkout(remote, { ref })).commit).toBe(first);
      expect(() => git(desk.directory, 'symbolic-ref', '--quiet', 'HEAD')).toThrow();
    }
    for (const ref of ['feature/x', 'refs/heads/feature/x', 'HEAD']) {
      expect((await desk.checkout(remote, { ref })).commit).toBe(feature);
      expect(git(desk.directory, 'symbolic-ref', 'HEAD')).toBe('refs/heads/feature/x');
    }
    expect((await desk.checkout(remote, { ref: first })).fetched).toBe(false);
  });

  test('a commit that is not here yet is fetched by its id', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    const id = head(remote);
    expect(await desk.checkout(remote, { ref: id })).toMatchObject({ commit: id, fetched: true });
  });

  test('a default ref that the remote lacks gives way to its own default branch', async () => {
    const remote = makeRepository({ 'a.txt': 'one' }, 'trunk');
    const desk = makeDesk();
    await desk.checkout(remote, { refIsDefault: true });
    expect(git(desk.directory, 'symbolic-ref', 'HEAD')).toBe('refs/heads/trunk');
    expect(await desk.checkout(remote, { refIsDefault: true })).toMatchObject({ fetched: false });
  });

  test('a ref that was asked for and is missing is an error that names others', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    git(remote, 'branch', 'feature/login');
    const error = await makeDesk()
      .checkout(remote, { ref: 'feature/logni' })
      .catch((caught) => caught);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_REF_NOT_FOUND' });
    expect(error.message).toMatch(/no ref "feature\/logni"; it has feature\/login, main/);
  });

  test('a repository without commits says so', async () => {
    const remote = temporaryDirectory('empty');
    git(remote, 'init', '--quiet', '--bare');
    const desk = makeDesk();
    await expect(desk.checkout(remote, { refIsDefault: true })).rejects.toThrow(/has no commits/);
    expect(existsSync(desk.directory)).toBe(false);
  });

  test('a repository with SHA-256 objects is cloned and refreshed', async () => {
    const remote = temporaryDirectory('sha256');
    git(remote, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main');
    const id = commit(remote, { 'a.txt': 'one' }, 'first');
    const desk = makeDesk();
    expect((await desk.checkout(remote)).commit).toBe(id);
    const next = commit(remote, { 'a.txt': 'two' }, 'second');
    expect((await desk.checkout(remote)).commit).toBe(next);
  });

  test('an address that changes to an unrelated repository is followed', async () => {
    const desk = makeDesk();
    await desk.checkout(makeRepository({ 'a.txt': 'one' }));
    const other = makeRepository({ 'b.txt': 'other' });
    await desk.checkout(other, { taskId: 'task-2' });
    expect(readdirSync(desk.directory).sort()).toEqual(['.git', 'b.txt']);
    expect(git(desk.directory, 'config', 'remote.origin.url')).toBe(other);
  });

  test('a branch that was force-pushed is followed', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    commit(remote, { 'a.txt': 'two' }, 'second');
    const desk = makeDesk();
    await desk.checkout(remote);
    git(remote, 'reset', '--quiet', '--hard', 'HEAD~1');
    const id = commit(remote, { 'a.txt': 'three' }, 'rewritten');
    expect((await desk.checkout(remote, { taskId: 'task-2' })).commit).toBe(id);
  });
});

describe('what the work tree held before', () => {
  test('changed, staged, new and deleted files are kept in a ref, then cleaned', async () => {
    const remote = makeRepository({ 'a.txt': 'one', 'b.txt': 'b', '.gitignore': 'build/\n' });
    const desk = makeDesk();
    await desk.checkout(remote);
    write(desk.directory, { 'a.txt': 'mine', 'sub/new.txt': 'new', 'build/cache': 'kept' });
    write(desk.directory, { 'staged.txt': 's', '.keruta/doc/report.md': 'artifact' });
    git(desk.directory, 'add', 'staged.txt');
    rmSync(join(desk.directory, 'b.txt'));
    const done = await desk.checkout(remote, { taskId: 'task-2' });
    expect(done.stashedRef).toBe('refs/keruta/task-2/before');
    const kept = git(desk.directory, 'ls-tree', '-r', '--name-only', 'refs/keruta/task-2/before');
    expect(kept.split('\n')).toEqual(['.gitignore', 'a.txt', 'staged.txt', 'sub/new.txt']);
    expect(git(desk.directory, 'show', 'refs/keruta/task-2/before:a.txt')).toBe('mine');
    expect(git(desk.directory, 'stash', 'list')).toBe('');
    expect(git(desk.directory, 'status', '--porcelain')).toBe('');
    expect(read(desk.directory, 'a.txt')).toBe('one');
    expect(read(desk.directory, 'build/cache')).toBe('kept');
    expect(read(desk.directory, '.keruta/doc/report.md')).toBe('artifact');
    expect(await desk.checkout(remote, { taskId: 'task-3' })).toMatchObject({ stashedRef: null });
  });

  test('commits that nobody pushed are kept in a ref', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    const mine = commit(desk.directory, { 'a.txt': 'mine' }, 'local');
    const done = await desk.checkout(remote, { taskId: 'task-2' });
    expect(done.stashedRef).toBe('refs/keruta/task-2/before');
    expect(git(desk.directory, 'rev-parse', 'refs/keruta/task-2/before')).toBe(mine);
    expect(head(desk.directory)).toBe(head(remote));
  });

  test('commits on another branch stay on it, and those of a replaced branch are kept', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    const onMain = commit(desk.directory, { 'a.txt': 'local' }, 'local');
    git(desk.directory, 'checkout', '--quiet', '--orphan', 'other');
    const onOther = commit(desk.directory, { 'z.txt': 'z' }, 'orphan');
    expect((await desk.checkout(remote, { taskId: 'task-2' })).stashedRef).toBe('refs/keruta/task-2/branch');
    expect(git(desk.directory, 'rev-parse', 'refs/keruta/task-2/branch')).toBe(onMain);
    expect(git(desk.directory, 'rev-parse', 'other')).toBe(onOther);
  });

  test('a half-done merge with conflicts is kept and ended', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    git(desk.directory, 'checkout', '--quiet', '-b', 'side');
    commit(desk.directory, { 'a.txt': 'side' }, 'side');
    git(desk.directory, 'checkout', '--quiet', 'main');
    commit(desk.directory, { 'a.txt': 'main' }, 'main');
    expect(() => git(desk.directory, 'merge', 'side')).toThrow();
    const done = await desk.checkout(remote, { taskId: 'task-2' });
    expect(git(desk.directory, 'show', `${done.stashedRef}:a.txt`)).toContain('<<<<<<<');
    expect(git(desk.directory, 'status')).not.toContain('merging');
    expect(git(desk.directory, 'status', '--porcelain')).toBe('');
  });

  test('repositories that a script made inside stay where they are', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    mkdirSync(join(desk.directory, 'empty'));
    git(join(desk.directory, 'empty'), 'init', '--quiet');
    write(desk.directory, { 'empty/work.txt': 'w', 'loose.txt': 'l' });
    const done = await desk.checkout(remote, { taskId: 'task-2' });
    expect(git(desk.directory, 'show', `${done.stashedRef}:loose.txt`)).toBe('l');
    expect(read(desk.directory, 'empty/work.txt')).toBe('w');
    expect(existsSync(join(desk.directory, 'loose.txt'))).toBe(false);
  });

  test('names with newlines, dashes and odd letters are kept', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    write(desk.directory, { '-rf': '1', 'new\nline': '2', 'ü "q"': '3', ':(glob)*': '4' });
    const done = await desk.checkout(remote, { taskId: 'task-2' });
    const kept = git(desk.directory, 'ls-tree', '-z', '--name-only', done.stashedRef!).split('\0');
    expect(kept).toEqual(expect.arrayContaining(['-rf', 'new\nline', 'ü "q"', ':(glob)*']));
    expect(readdirSync(desk.directory).sort()).toEqual(['.git', 'a.txt']);
  });
});

describe('the place of a clone', () => {
  test('S-27: a directory with files that is no clone is refused, and nothing is deleted', async () => {
    const desk = makeDesk();
    write(desk.directory, { 'mine.txt': 'mine' });
    const error = await desk.checkout(makeRepository({ a: 'a' })).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_DIRECTORY' });
    expect(read(desk.directory, 'mine.txt')).toBe('mine');
    writeFileSync(join(desk.base, 'file'), 'x');
    const place = join(desk.base, 'file');
    await expect(desk.checkout('/x', { directory: place })).rejects.toMatchObject({
      code: 'KERUTA_ERR_DIRECTORY',
    });
  });

  test("a person's own clone is refused, or used without a change to its configuration", async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    git(desk.base, 'clone', '--quiet', remote, desk.directory);
    git(desk.directory, 'config', 'user.name', 'Me');
    write(desk.directory, { '.git/hooks/pre-commit': '#!/bin/sh\n', '.git/info/exclude': 'mine' });
    const config = read(desk.directory, '.git/config');
    await expect(desk.checkout(remote)).rejects.toThrow(/--trust-working-dir/);
    const id = commit(remote, { 'a.txt': 'two' }, 'second');
    expect((await desk.checkout(remote, { trustWorkingDir: true })).commit).toBe(id);
    await desk.checkout(remote, { trustWorkingDir: true });
    expect(read(desk.directory, '.git/config')).toBe(config);
    expect(existsSync(join(desk.directory, '.git/hooks/pre-commit'))).toBe(true);
    expect(read(desk.directory, '.git/info/exclude')).toBe('mine\n/.keruta/\n');
  });

  test('an empty directory is filled where it is', async () => {
    const desk = makeDesk();
    mkdirSync(join(desk.directory, '.git'), { recursive: true });
    const remote = makeRepository({ 'a.txt': 'one' });
    expect((await desk.checkout(remote)).commit).toBe(head(remote));
  });

  test('S-27: what a killed clone left is removed, and nothing else', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    // above the greatest that there is
    const dead = 4_194_305;
    write(desk.base, { [`.clone.clone-${dead}-aaaa/.git/keruta-clone.json`]: '{}' });
    mkdirSync(join(desk.base, `.clone.clone-${dead}-bbbb`));
    write(desk.base, { [`.clone.clone-${dead}-mine/important.txt`]: 'x', '.clone.clone-1-live/.git/x': 'x' });
    await desk.checkout(remote);
    expect(readdirSync(desk.base).sort()).toEqual([
      '.clone.clone-1-live',
      `.clone.clone-${dead}-mine`,
      'clone',
      'private',
    ]);
  });

  test('a clone that fails leaves nothing behind', async () => {
    const desk = makeDesk();
    await expect(desk.checkout('/no/such/repository')).rejects.toMatchObject({
      code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE',
    });
    expect(readdirSync(desk.base)).toEqual(['private']);
  });

  test('locks that a killed git left are removed', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    write(desk.directory, { '.git/index.lock': '', '.git/refs/heads/main.lock': '', 'a.txt': 'mine' });
    commit(remote, { 'a.txt': 'two' }, 'second');
    expect(await desk.checkout(remote, { taskId: 'task-2' })).toMatchObject({ commit: head(remote) });
  });

  test.each([
    ['objects', (directory: string) => rmSync(join(directory, '.git/objects'), { recursive: true })],
    ['HEAD', (directory: string) => writeFileSync(join(directory, '.git/HEAD'), 'junk\n')],
    ['index', (directory: string) => writeFileSync(join(directory, '.git/index'), 'junk')],
  ])('a clone with broken %s is replaced once and moved aside', async (_what, damage) => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    for (const taskId of ['task-2', 'task-3']) {
      write(desk.directory, { 'mine.txt': taskId });
      damage(desk.directory);
      commit(remote, { 'a.txt': taskId }, taskId);
      expect(await desk.checkout(remote, { taskId })).toMatchObject({ commit: head(remote) });
      expect(read(`${desk.directory}.damaged`, 'mine.txt')).toBe(taskId);
    }
    expect(readdirSync(desk.base).sort()).toEqual(['clone', 'clone.damaged', 'private']);
  });

  test('F-98: a clone that a script made shallow follows its branch, and finds commits that lie behind its end', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const first = head(remote);
    for (const text of ['two', 'three']) commit(remote, { 'a.txt': text }, text);
    const desk = makeDesk();
    await desk.checkout(remote);
    // by a URL, since a path is copied whole
    git(desk.directory, 'fetch', '-q', '--depth=1', `file://${remote}`, 'main');
    git(desk.directory, 'reflog', 'expire', '--expire=now', '--all');
    git(desk.directory, 'gc', '-q', '--prune=now');
    expect(git(desk.directory, 'rev-parse', '--is-shallow-repository')).toBe('true');
    expect(git(desk.directory, 'rev-list', '--count', 'HEAD')).toBe('1');
    const newest = commit(remote, { 'a.txt': 'four' }, 'four');
    expect(await desk.checkout(remote, { taskId: 'task-2' })).toMatchObject({ commit: newest });
    expect(read(desk.directory, 'a.txt')).toBe('four');
    expect(git(desk.directory, 'status', '--porcelain')).toBe('');
    expect(await desk.checkout(remote, { taskId: 'task-3', ref: first })).toMatchObject({ commit: first });
    expect(read(desk.directory, 'a.txt')).toBe('one');
  });

  test.skipIf(process.getuid?.() !== 0)('a clone of another user is refused with a hint', async () => {
    const { chownSync } = await import('node:fs');
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    for (const path of [desk.directory, join(desk.directory, '.git')]) chownSync(path, 12_345, 12_345);
    const error = await desk.checkout(remote).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_DIRECTORY' });
    expect(error.message).toContain('owner');
  });
});
