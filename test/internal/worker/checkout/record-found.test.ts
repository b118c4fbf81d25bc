import { mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';
import { makeDesk } from './checkout-fixture.ts';

const head = (directory: string) => git(directory, 'rev-parse', 'HEAD');
const logOf = (directory: string, task: string) =>
  git(directory, 'log', '--walk-reflogs', '--format=%gs', `refs/keruta/${task}/before`, '--');

test('where a clean tree stood is recorded for every task, with its branch', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  const first = head(remote);
  const desk = makeDesk();
  await desk.checkout(remote);
  expect(git(desk.directory, 'rev-parse', 'refs/keruta/task-1/before')).toBe(first);
  git(remote, 'branch', 'feature/x');
  commit(remote, { 'a.txt': 'two' }, 'second');
  await desk.checkout(remote, { taskId: 'task-2' });
  expect(git(desk.directory, 'rev-parse', 'refs/keruta/task-2/before')).toBe(first);
  expect(logOf(desk.directory, 'task-2')).toBe('found: refs/heads/main');
  await desk.checkout(remote, { taskId: 'task-3', ref: 'feature/x' });
  await desk.checkout(remote, { taskId: 'task-4', ref: first });
  await desk.checkout(remote, { taskId: 'task-5', ref: first });
  expect(logOf(desk.directory, 'task-4')).toBe('found: refs/heads/feature/x');
  expect(logOf(desk.directory, 'task-5')).toBe('found: detached');
  expect(git(desk.directory, 'fsck', '--strict')).toBe('');
});

test('what was there before the first attempt stays recorded, and what that attempt left is kept too', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  const desk = makeDesk();
  await desk.checkout(remote);
  write(desk.directory, { 'mine.txt': 'mine' });
  expect((await desk.checkout(remote, { taskId: 'task-2' })).stashedRef).toBe('refs/keruta/task-2/before');
  write(desk.directory, { 'a.txt': 'half-done' });
  const again = await desk.checkout(remote, { taskId: 'task-2' });
  expect(again.stashedRef).toMatch(/^refs\/keruta\/task-2\/left\/\d+$/);
  expect(git(desk.directory, 'show', 'refs/keruta/task-2/before:mine.txt')).toBe('mine');
  expect(git(desk.directory, 'show', `${again.stashedRef}:a.txt`)).toBe('half-done');
});

test('a ref that is packed counts as recorded', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  const first = head(remote);
  const desk = makeDesk();
  await desk.checkout(remote);
  git(desk.directory, 'pack-refs', '--all', '--prune');
  commit(remote, { 'a.txt': 'two' }, 'second');
  await desk.checkout(remote);
  await desk.checkout(remote);
  expect(git(desk.directory, 'rev-parse', 'refs/keruta/task-1/before')).toBe(first);
});

test('the oldest tasks are forgotten; work that nothing else has stays for 90 days', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  const desk = makeDesk();
  await desk.checkout(remote, { taskId: 'clean' });
  write(desk.directory, { 'mine.txt': 'mine' });
  await desk.checkout(remote, { taskId: 'dirty' });
  const tasks = join(desk.directory, '.git/refs/keruta');
  const age = (task: string, days: number) => {
    const at = Date.now() / 1000 - days * 24 * 3600;
    utimesSync(join(tasks, task, 'before'), at, at);
  };
  for (const task of ['clean', 'dirty']) age(task, 80);
  for (let number = 0; number < 42; number++) await desk.checkout(remote, { taskId: `task-${number}` });
  const left = readdirSync(tasks);
  expect(left).not.toContain('clean');
  expect(left).toContain('dirty');
  expect(left.length).toBeLessThanOrEqual(41);
  expect(readdirSync(join(desk.directory, '.git/logs/refs/keruta'))).not.toContain('clean');
  age('dirty', 91);
  for (let number = 0; number < 12; number++) await desk.checkout(remote, { taskId: `more-${number}` });
  expect(readdirSync(tasks)).not.toContain('dirty');
}, 60_000);

test('refs that are no files, and links in their place, are no reason for a task to fail', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  const desk = makeDesk();
  await desk.checkout(remote);
  const elsewhere = temporaryDirectory('elsewhere');
  renameSync(join(desk.directory, '.git/refs/keruta'), join(desk.directory, '.git/refs/keruta.old'));
  symlinkSync(elsewhere, join(desk.directory, '.git/refs/keruta'));
  await desk.checkout(remote, { taskId: 'task-2' });
  expect(readdirSync(elsewhere)).toEqual([]);
  // a linked work tree has a file in the place of its .git
  const clone = join(desk.base, 'own');
  git(desk.base, 'clone', '--quiet', remote, clone);
  const linked = join(desk.base, 'linked');
  git(clone, 'worktree', 'add', '--quiet', '-b', 'side', linked);
  mkdirSync(join(linked, '.keruta'), { recursive: true });
  const wish = { directory: linked, trustWorkingDir: true, taskId: 'task-3', ref: head(remote) };
  await desk.checkout(remote, wish);
  expect(git(clone, 'rev-parse', 'refs/keruta/task-3/before')).toBe(head(remote));
  expect(logOf(clone, 'task-3')).toBe('found: refs/heads/side');
});
