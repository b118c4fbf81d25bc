import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { plainTree } from '../../../../internal/pool/flow/task-tree.ts';
import { recordBefore, undoTask } from '../../../../internal/pool/flow/undo.ts';
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
    expect(undone).toEqual({ kind: 'undone', commit: first, hasChanges: true, keptRef: expect.any(String) });
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
});
