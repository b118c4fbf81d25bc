import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recordBefore } from '../../../../internal/pool/flow/before.ts';
import { plainTree } from '../../../../internal/pool/flow/task-tree.ts';
import { planUndo, undoTask } from '../../../../internal/pool/flow/undo.ts';
import { commit, git, makeRepository, write } from '../../../fixtures/git.ts';
import { makePool, statusOf } from '../pool-fixture.ts';
import { makeFlowDesk, taskId } from './flow-fixture.ts';

const files = { 'a.txt': 'one\n', 'b.txt': 'b\n', '.gitignore': 'build/\n' };

describe('undoing a task', () => {
  test('in a clone: commit, branch, changed, new and removed files are as they were before it, and what it did is kept', async () => {
    const clone = makeRepository(files);
    const first = git(clone, 'rev-parse', 'HEAD');
    write(clone, { 'a.txt': 'mine\n', 'note.txt': 'note\n', 'build/cache': 'x' });
    rmSync(join(clone, 'b.txt'));
    const status = git(clone, 'status', '--porcelain');
    const call = { tree: plainTree(makePool().parts.git, clone), taskId, timeoutMs: 20_000 };
    await recordBefore(call);
    const done = commit(clone, { 'a.txt': 'task\n', 'task.txt': 'task\n' }, 'by the task');
    write(clone, { 'late.txt': 'late\n' });
    await recordBefore(call);
    const undone = await undoTask(call);
    expect(undone).toEqual({
      ...{ kind: 'undone', commit: first, hasChanges: true },
      ...{ keptRef: expect.any(String), keptBranchRef: null },
    });
    const keptRef = (undone.kind === 'undone' && undone.keptRef) || '';
    expect(keptRef).toMatch(new RegExp(`^refs/keruta/${taskId}/undone/`));
    expect(await undoTask(call)).toMatchObject({ kind: 'undone', keptRef: null });
    expect(git(clone, 'log', '--format=%H %D')).toBe(`${first} HEAD -> main`);
    expect(git(clone, 'status', '--porcelain')).toBe(status);
    expect(readFileSync(join(clone, 'a.txt'), 'utf8')).toBe('mine\n');
    expect(existsSync(join(clone, 'task.txt'))).toBe(false);
    expect(readFileSync(join(clone, 'build/cache'), 'utf8')).toBe('x');
    expect(git(clone, 'log', '-2', '--format=%H', keptRef).split('\n')[1]).toBe(done);
    expect(git(clone, 'show', `${keptRef}:late.txt`)).toBe('late');
  });

  test('in a slot: it stands, clean, where it was handed out; twice is once', async () => {
    const desk = await makeFlowDesk(makeRepository(files));
    await desk.prepare();
    write(desk.slot.path, { 'a.txt': 'task\n' });
    await desk.commit();
    write(desk.slot.path, { 'late.txt': 'late\n' });
    const call = { tree: desk.tree, taskId, timeoutMs: 20_000 };
    expect(await undoTask(call)).toMatchObject({
      kind: 'undone',
      commit: desk.slot.commit,
      hasChanges: false,
    });
    expect(readFileSync(join(desk.slot.path, 'a.txt'), 'utf8')).toBe('one\n');
    expect(existsSync(join(desk.slot.path, 'late.txt'))).toBe(false);
    expect(statusOf(desk.slot.path)).toBe('');
    expect(await undoTask(call)).toMatchObject({ kind: 'undone', keptRef: null });
    expect(await undoTask({ ...call, taskId: 'another' })).toEqual({ kind: 'not-recorded' });
  });

  test('it is told first what would change; then nothing has', async () => {
    const clone = makeRepository(files);
    const call = { tree: plainTree(makePool().parts.git, clone), taskId, timeoutMs: 20_000 };
    expect(await planUndo(call)).toBeNull();
    await recordBefore(call);
    expect(await planUndo(call)).toMatchObject({
      isDone: true,
      files: [],
      commits: [],
      branch: 'refs/heads/main',
    });
    const done = commit(clone, { 'a.txt': 'task\n', 'task.txt': 'task\n' }, 'by the task');
    rmSync(join(clone, 'b.txt'));
    const status = statusOf(clone);
    expect(await planUndo(call)).toMatchObject({
      at: expect.any(Number),
      isDone: false,
      now: { commit: done, branch: 'refs/heads/main' },
      files: [
        { change: 'changed', path: 'a.txt' },
        { change: 'restored', path: 'b.txt' },
        { change: 'removed', path: 'task.txt' },
      ],
      commits: [{ id: done, subject: 'by the task' }],
    });
    expect(statusOf(clone)).toBe(status);
    expect(git(clone, 'rev-parse', 'HEAD')).toBe(done);
  });

  test('a task that went to another branch: the tree is on its own again, and both branches lose nothing', async () => {
    const clone = makeRepository(files);
    const first = git(clone, 'rev-parse', 'HEAD');
    const call = { tree: plainTree(makePool().parts.git, clone), taskId, timeoutMs: 20_000 };
    await recordBefore(call);
    const onMain = commit(clone, { 'a.txt': 'main\n' }, 'on main');
    git(clone, 'checkout', '--quiet', '-b', 'side', first);
    const onSide = commit(clone, { 'a.txt': 'side\n' }, 'on side');
    const undone = await undoTask(call);
    expect(git(clone, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(git(clone, 'rev-parse', 'main')).toBe(first);
    expect(git(clone, 'rev-parse', 'side')).toBe(onSide);
    expect(undone).toMatchObject({
      kind: 'undone',
      keptBranchRef: expect.stringContaining(onMain.slice(0, 12)),
    });
    expect(git(clone, 'rev-parse', (undone.kind === 'undone' && undone.keptBranchRef) || '')).toBe(onMain);
    expect(await undoTask(call)).toMatchObject({ keptRef: null, keptBranchRef: null });
  });
});
