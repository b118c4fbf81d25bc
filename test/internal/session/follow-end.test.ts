import { describe, expect, test } from 'vitest';
import { applyWorkflow, deleteWorkflow } from '../../../internal/session/apply-workflow.ts';
import { cancelTask } from '../../../internal/session/cancel.ts';
import { claim } from '../../../internal/session/claim.ts';
import { setSessionStatus } from '../../../internal/session/edit-session.ts';
import { finish } from '../../../internal/session/finish.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import { fireNow } from '../../../internal/session/trigger-verbs.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { caller, makeWorld, never, report } from './claims-world.ts';

async function withWorkflows(...workflows: readonly object[]) {
  const world = await makeWorld();
  const { parts, store, clock } = world;
  const apply = (value: object) =>
    applyWorkflow(parts, { caller, owner: 'api', value: { run: 'true', ...value } });
  for (const one of workflows) await apply(one);
  const fire = async (workflow: string) =>
    (await fireNow(parts, { caller, workflow, isForced: true })).task?.id ?? '';
  const idOf = async (session: string) => (await store.sessionByName(session))?.id ?? '';
  /** Claims the next task of a session and ends it. */
  const end = async (session: string, how: Record<string, unknown> = {}) => {
    clock.advance(1);
    const request = { agentId: 'a', claimId: systemRandom.uuid4(), waitMs: 0 };
    const agent = { hostname: 'h', version: '1' };
    const wish = { caller, sessionId: await idOf(session), request: { ...request, agent }, signal: never };
    const taken = (await claim(parts, wish)).claim;
    if (taken === null) throw new Error(`nothing to do in ${session}`);
    const ref = { caller, taskId: taken.task.id, number: taken.attempt.number };
    await finish(parts, { ...ref, report: report(how) });
    return taken.task;
  };
  const waiting = async (session: string) =>
    store.tasks({ sessionId: await idOf(session), statuses: ['PENDING'] }, 'queue');
  /** `of the workflow: run on_error`, oldest first. */
  const rows = async (workflow: string) => {
    const { id = '' } = (await store.workflowByName(workflow)) ?? {};
    const all = await store.occurrences({ workflowId: id }, { limit: 100, offset: 0 });
    return all.reverse().map(({ source, decision, reason }) => `${source} ${decision} ${reason}`);
  };
  return { ...world, apply, fire, end, waiting, rows };
}

const failed = { exitCode: 7, message: 'it broke', errorCode: 'BROKE' };

describe('onError', () => {
  const alerting = {
    name: 'w',
    retry: { maxAttempts: 2, delay: '0s' },
    onError: { script: 'alert', parameters: { to: 'me' } },
    onComplete: 'celebrate',
  };

  test('runs once, after the last run failed, with the error and the task', async () => {
    const { fire, end, waiting, rows } = await withWorkflows(alerting);
    const id = await fire('w');
    await end('w', failed);
    expect(await waiting('w')).toMatchObject([{ id }]);
    await end('w', failed);
    const [hook, ...others] = await waiting('w');
    expect(others).toEqual([]);
    expect(hook).toMatchObject({
      name: 'w on-error',
      script: 'alert',
      triggerId: null,
      input: 'none',
      parameters: {
        to: 'me',
        taskId: id,
        taskStatus: 'FAILED',
        workflow: 'w',
        error: { code: 'BROKE', message: 'it broke', exitCode: 7, attempts: 2 },
        event: { source: 'manual' },
      },
    });
    expect(await rows('w')).toEqual(['manual run asked', 'task-end run on_error']);
  });

  test('that fails itself begets nothing more, nor does the same task when it fails again', async () => {
    const { parts, fire, end, waiting, rows } = await withWorkflows(alerting);
    const id = await fire('w');
    await end('w', failed);
    await end('w', failed);
    expect((await end('w', failed)).script).toBe('alert');
    expect(await waiting('w')).toEqual([]);
    await retryTask(parts, { caller, taskId: id });
    await end('w', failed);
    expect(await waiting('w')).toEqual([]);
    expect(await rows('w')).toHaveLength(2);
  });

  test('gets the event that made the task, and the same one on record', async () => {
    const { parts, store, end, waiting } = await withWorkflows({ ...alerting, retry: {} });
    const [trigger] = await store.triggers({ type: 'manual' });
    const wish = { source: 'webhook', key: 'delivery:1', kind: 'push', data: { n: 1 } } as const;
    const { occurrence } = await fireEvent(parts, { ...wish, triggerId: trigger?.id ?? '' });
    await end('w', failed);
    const [hook] = await waiting('w');
    expect(hook?.parameters.event).toMatchObject({ source: 'webhook', kind: 'push', data: { n: 1 } });
    expect((await store.occurrenceOfTask(hook?.id ?? ''))?.eventId).toBe(occurrence.eventId);
  });

  test('is the one of the version that made the task', async () => {
    const { apply, fire, end, waiting } = await withWorkflows(alerting);
    await fire('w');
    await apply({ ...alerting, onError: 'another' });
    await end('w', failed);
    await end('w', failed);
    expect(await waiting('w')).toMatchObject([{ script: 'alert' }]);
  });

  test('does not run for a cancelled task, nor when the workflow is gone', async () => {
    const { parts, fire, end, waiting } = await withWorkflows({ ...alerting, retry: {} });
    await cancelTask(parts, { caller, taskId: await fire('w') });
    expect(await waiting('w')).toEqual([]);
    await fire('w');
    await deleteWorkflow(parts, { caller, name: 'w' });
    await end('w', failed);
    expect(await waiting('w')).toEqual([]);
  });

  test('runs when a plain client tells the failure, or the deadline passes in the queue', async () => {
    const limited = { ...alerting, retry: { deadline: '1h' } };
    const { parts, clock, fire, end, waiting } = await withWorkflows(limited);
    const first = await fire('w');
    await setStatus(parts, { caller, taskId: first }, { status: 'FAILED', message: 'no' });
    expect((await end('w')).parameters).toMatchObject({ taskId: first, error: { message: 'no' } });
    const second = await fire('w');
    clock.advance(3_600_000);
    expect((await end('w')).parameters).toMatchObject({ taskId: second, error: { code: 'DEADLINE' } });
    expect(await waiting('w')).toEqual([]);
  });
});

test('onComplete runs once after a success, with the result', async () => {
  const { fire, end, waiting, rows } = await withWorkflows({ name: 'w', onComplete: 'celebrate' });
  const id = await fire('w');
  await end('w', { message: 'all well' });
  const [hook] = await waiting('w');
  expect(hook).toMatchObject({ script: 'celebrate', parameters: { taskId: id, result: { exitCode: 0 } } });
  await end('w');
  expect(await waiting('w')).toEqual([]);
  expect(await rows('w')).toEqual(['manual run asked', 'task-end run on_complete']);
});

test('a hook that finds its session closed is on record as not run', async () => {
  const { parts, store, fire, rows } = await withWorkflows({ name: 'w', onError: 'alert' });
  const taskId = await fire('w');
  await setStatus(parts, { caller, taskId }, { status: 'PROCESSING' });
  const { id: sessionId = '' } = (await store.sessionByName('w')) ?? {};
  await setSessionStatus(parts, { caller, sessionId }, 'COMPLETED');
  await setStatus(parts, { caller, taskId }, { status: 'FAILED' });
  expect(await rows('w')).toEqual(['manual run asked', 'task-end skipped session_closed']);
});

describe('a workflow that follows another', () => {
  const endOf = (name: string, ...on: readonly string[]) => ({
    type: 'task-end',
    workflow: name,
    ...(on.length > 0 ? { on } : {}),
  });

  test('fires once when a task of it has ended as awaited, and learns of it', async () => {
    const { fire, end, waiting, rows } = await withWorkflows(
      { name: 'a', retry: { maxAttempts: 2, delay: '0s' } },
      { name: 'b', triggers: [endOf('a')] },
      { name: 'c', triggers: [endOf('a', 'failed')] },
    );
    const id = await fire('a');
    await end('a', failed);
    expect([await rows('b'), await rows('c')]).toEqual([[], []]);
    await end('a');
    expect(await waiting('b')).toMatchObject([
      { parameters: { taskId: id, taskStatus: 'COMPLETED', workflow: 'a', result: { attempts: 2 } } },
    ]);
    expect([await rows('b'), await rows('c')]).toEqual([['task-end run event'], []]);
    await fire('a');
    await end('a', failed);
    await end('a', failed);
    expect(await rows('c')).toEqual(['task-end run event']);
    expect(await waiting('c')).toMatchObject([{ parameters: { error: { code: 'BROKE' } } }]);
  });

  test('is not fired by hooks of the other, but by those of a session that it waits for', async () => {
    const { fire, end, rows } = await withWorkflows(
      { name: 'a', onComplete: 'hook' },
      { name: 'b', triggers: [endOf('a')] },
      { name: 'c', overlap: 'allow', triggers: [{ type: 'task-end', session: 'a' }] },
    );
    await fire('a');
    await end('a');
    expect((await end('a')).script).toBe('hook');
    expect([await rows('b'), await rows('c')].map(({ length }) => length)).toEqual([1, 2]);
  });

  test('waits for tasks of its own session, but not for its own', async () => {
    const { addTask, store, end, rows, waiting } = await withWorkflows({
      name: 'w',
      triggers: [{ type: 'task-end', session: 'w' }],
    });
    const { id: sessionId = '' } = (await store.sessionByName('w')) ?? {};
    await addTask({ sessionId });
    await end('w');
    await end('w');
    expect(await waiting('w')).toEqual([]);
    expect(await rows('w')).toEqual(['task-end run event']);
  });

  test('is refused when they would go round in a circle', async () => {
    const { apply, store } = await withWorkflows({ name: 'a' }, { name: 'b', triggers: [endOf('a')] });
    await expect(apply({ name: 'a', triggers: [endOf('b')] })).rejects.toMatchObject({
      code: 'KERUTA_ERR_WORKFLOW',
      message: expect.stringContaining('a → b → a'),
    });
    expect((await store.workflowByName('a'))?.version).toBe(1);
  });

  test('is cut after eight of a chain, with the reason on record', async () => {
    const chain = Array.from({ length: 10 }, (_, n) => ({
      name: `w${n}`,
      triggers: n === 0 ? [] : [endOf(`w${n - 1}`)],
    }));
    const { fire, end, rows } = await withWorkflows(...chain);
    await fire('w0');
    for (let n = 0; n <= 8; n++) await end(`w${n}`);
    expect(await rows('w8')).toEqual(['task-end run event']);
    expect(await rows('w9')).toEqual(['task-end skipped chain_too_long']);
  });

  test('counts tasks that scripts make as part of the chain', async () => {
    const { addTask, end, store, fire } = await withWorkflows(
      { name: 'a' },
      { name: 'b', triggers: [endOf('a')] },
      { name: 'c', overlap: 'allow', triggers: [{ type: 'task-end', session: 'b' }] },
    );
    await fire('a');
    await end('a');
    const parent = await end('b');
    const child = await addTask({ sessionId: parent.sessionId, parentTaskId: parent.id });
    expect((await end('b')).id).toBe(child.id);
    const { id = '' } = (await store.workflowByName('c')) ?? {};
    const all = await store.occurrences({ workflowId: id }, { limit: 9, offset: 0 });
    expect(all.map(({ details }) => details.depth)).toEqual([2, 2]);
  });

  test('that cannot be fired does not keep the task from its end', async () => {
    const { fire, end, rows, show, store, parts } = await withWorkflows(
      { name: 'a' },
      { name: 'b', triggers: [endOf('a')] },
    );
    const { id: sessionId = '' } = (await store.sessionByName('b')) ?? {};
    await setSessionStatus(parts, { caller, sessionId }, 'COMPLETED');
    const id = await fire('a');
    await end('a');
    expect((await show(id)).status).toBe('COMPLETED');
    expect(await rows('b')).toEqual(['task-end skipped session_closed']);
  });
});
