import { describe, expect, test } from 'vitest';
import { maxScriptBytes } from '../../../internal/domain/task.ts';
import { setSessionStatus } from '../../../internal/session/edit-session.ts';
import { editTask } from '../../../internal/session/edit-task.ts';
import { systemCaller } from '../../../internal/session/parts.ts';
import { submitTask, submitTaskIn } from '../../../internal/session/submit.ts';
import { makePlainWorld } from './plain-world.ts';

describe('submitting a task', () => {
  test('one transaction writes task, event and audit entry, and wakes those who wait', async () => {
    const { parts, sessionId } = await makePlainWorld();
    const woken = new Promise<void>((resolve) => parts.store.subscribe(`session:${sessionId}`, resolve));
    const newTask = { sessionId, name: 'build', script: 'true' };
    const { task, created } = await submitTask(parts, systemCaller, newTask);
    await woken;
    expect(created).toBe(true);
    expect(task).toMatchObject({
      status: 'PENDING',
      attempt: 0,
      priority: 0,
      input: 'wait',
      inputTimeoutMs: 3_600_000,
    });
    expect(await parts.store.task(task.id)).toEqual(task);
    const events = await parts.store.events(sessionId, 0, 100);
    expect(events.at(-1)).toMatchObject({
      type: 'status',
      taskId: task.id,
      data: { status: 'PENDING', taskId: task.id },
    });
    expect(events.at(-1)?.data).not.toHaveProperty('script');
    const [entry] = await parts.store.audit({ limit: 1, offset: 0 });
    expect(entry).toMatchObject({ action: 'task.submit', taskId: task.id, actor: 'system' });
  });

  test('a script of 1 MiB is taken, one byte more is refused, counted in UTF-8', async () => {
    const { submit } = await makePlainWorld();
    expect((await submit({ script: 'é'.repeat(maxScriptBytes / 2) })).script).toHaveLength(
      maxScriptBytes / 2,
    );
    const tooLarge = submit({ script: `${'é'.repeat(maxScriptBytes / 2)}x` });
    await expect(tooLarge).rejects.toMatchObject({ code: 'KERUTA_ERR_SCRIPT_TOO_LARGE' });
  });

  test('a script with a NUL byte is refused with its line, also when a task is edited', async () => {
    const { submit, parts } = await makePlainWorld();
    const nul = 'echo one\necho two\0';
    const fault = { code: 'KERUTA_ERR_BAD_VALUE', message: expect.stringContaining('NUL byte in line 2') };
    await expect(submit({ script: nul })).rejects.toMatchObject(fault);
    const { id: taskId } = await submit();
    const edit = editTask(parts, { caller: systemCaller, taskId }, { script: nul });
    await expect(edit).rejects.toMatchObject(fault);
  });

  test('a closed session takes no more tasks', async () => {
    const { submit, parts, sessionId } = await makePlainWorld();
    await setSessionStatus(parts, { caller: systemCaller, sessionId }, 'COMPLETED');
    await expect(submit()).rejects.toMatchObject({ code: 'KERUTA_ERR_SESSION_CLOSED' });
  });

  test('a parent must exist, in the same session', async () => {
    const { submit, parts } = await makePlainWorld();
    const parent = await submit();
    expect(await submit({ parentTaskId: parent.id })).toMatchObject({ parentTaskId: parent.id });
    await expect(submit({ parentTaskId: 'none' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_TASK_NOT_FOUND',
    });
    const { createSession } = await import('../../../internal/session/create-session.ts');
    const other = await createSession(parts, systemCaller, { name: 'other' });
    const across = submit({ sessionId: other.id, parentTaskId: parent.id });
    await expect(across).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
  });

  test('a session may be named as its workspace names it', async () => {
    const { submit, sessionId } = await makePlainWorld();
    expect((await submit({ sessionId: `session-${sessionId}` })).sessionId).toBe(sessionId);
  });
});

describe('the idempotency key', () => {
  test('gives the same task for the same wish, whatever the order of its fields, also after the session closed', async () => {
    const { parts, sessionId } = await makePlainWorld();
    const options = { idempotencyKey: 'k' };
    const wish = { sessionId, name: 'a', script: 's', parameters: { x: 1, y: [2] } };
    const first = await submitTask(parts, systemCaller, wish, options);
    await setSessionStatus(parts, { caller: systemCaller, sessionId }, 'COMPLETED');
    const turned = { parameters: { y: [2], x: 1 }, script: 's', name: 'a', sessionId };
    expect(await submitTask(parts, systemCaller, turned, options)).toEqual({
      task: first.task,
      created: false,
    });
  });

  test('is refused for another wish', async () => {
    const { parts, sessionId } = await makePlainWorld();
    const options = { idempotencyKey: 'k' };
    await submitTask(parts, systemCaller, { sessionId, name: 'a', script: 's' }, options);
    const other = submitTask(parts, systemCaller, { sessionId, name: 'b', script: 's' }, options);
    await expect(other).rejects.toMatchObject({ code: 'KERUTA_ERR_IDEMPOTENCY' });
  });

  test('of a client never meets one that a rule made', async () => {
    const { parts, sessionId } = await makePlainWorld();
    const newTask = { sessionId, name: 'a', script: 's' };
    const now = await parts.store.now();
    const ruled = await parts.store.transact((tx) =>
      submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey: 'fix:t:1' }),
    );
    const asked = await submitTask(parts, systemCaller, newTask, { idempotencyKey: 'fix:t:1' });
    expect(asked.task.id).not.toBe(ruled.task.id);
  });

  test('of many who submit at once makes one task', async () => {
    const { parts, sessionId } = await makePlainWorld();
    const newTask = { sessionId, name: 'a', script: 's' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => submitTask(parts, systemCaller, newTask, { idempotencyKey: 'k' })),
    );
    expect(new Set(answers.map((each) => each.task.id)).size).toBe(1);
    expect(answers.filter((each) => each.created)).toHaveLength(1);
  });
});
