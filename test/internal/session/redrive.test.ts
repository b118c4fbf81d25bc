import { describe, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { redrive } from '../../../internal/session/redrive.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { findTrigger, fireNow } from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld } from './claims-world.ts';

const ada = { ...caller, actor: 'ada' };

async function world(more: object = {}) {
  const made = await makeWorld();
  const { parts, store } = made;
  const value = { name: 'w', run: 'true', session: 'demo', overlap: 'skip', triggers: [], ...more };
  await applyWorkflow(parts, { caller, owner: 'api', value });
  const agent = made.agent();
  /** Runs the next task to its end. */
  const run = async (exitCode: number) => {
    const claim = await agent.claim();
    await agent.exited({ exitCode });
    await agent.finish({ exitCode });
    return claim?.task.id ?? '';
  };
  const fire = (parameters: object = {}) =>
    fireNow(parts, { caller, workflow: 'w', parameters: { ...parameters } });
  const dead = async () =>
    (await store.occurrences({ isDead: true }, { limit: 99, offset: 0 })).map(({ taskId }) => taskId);
  const again = (task: string) => redrive(parts, { caller: ada, workflow: 'w', task });
  return { ...made, run, fire, dead, again };
}

describe('what failed for good', () => {
  test('is listed after its last attempt, until it is made anew', async () => {
    const retry = { maxAttempts: 2, backoff: 'fixed', delay: '0s' };
    const { run, fire, dead, again, show } = await world({ retry });
    await fire();
    const first = await run(1);
    expect(await dead()).toEqual([]);
    expect(await run(1)).toBe(first);
    expect(await dead()).toEqual([first]);
    const { task, occurrence, isNew } = await again(first);
    expect(isNew).toBe(true);
    expect(occurrence).toMatchObject({ actor: 'ada', reason: 'asked', details: { redriveOf: first } });
    expect(task?.id).not.toBe(first);
    expect(await dead()).toEqual([]);
    expect((await show(first)).status).toBe('FAILED');
    await run(0);
    expect(await dead()).toEqual([]);
  });

  test('is made anew once, however often it is asked for, and may fail and be made anew again', async () => {
    const { run, fire, dead, again } = await world();
    await fire();
    const first = await run(1);
    const [one, two] = [await again(first), await again(first)];
    expect([one.isNew, two.isNew]).toEqual([true, false]);
    expect(two.task?.id).toBe(one.task?.id);
    const second = await run(1);
    expect(second).toBe(one.task?.id);
    expect(await dead()).toEqual([second]);
    await again(second);
    expect(await dead()).toEqual([]);
  });

  test('has its parameters and its event again, and runs although another run is under way', async () => {
    const { run, fire, again, parts, store } = await world({
      triggers: [{ type: 'webhook', auth: { type: 'github', secretEnv: 'X' } }],
    });
    await fire({ month: '2026-10' });
    const byHand = await run(1);
    const { trigger } = await findTrigger(store, { workflow: 'w', trigger: 'webhook' });
    const event = {
      triggerId: trigger.id,
      source: 'webhook',
      key: 'd',
      kind: 'push',
      data: { n: 1 },
    } as const;
    await fireEvent(parts, { ...event, parameters: { n: 1 } });
    const byEvent = await run(1);
    // under way, in the queue
    await fire();
    const [hand, told] = [await again(byHand), await again(byEvent)];
    expect(hand.task).toMatchObject({ parameters: { month: '2026-10' } });
    expect(told.task).toMatchObject({ parameters: { n: 1 } });
    const kept = await store.occurrence(trigger.id, 'd');
    expect(told.occurrence.eventId).toBe(kept?.eventId);
    expect(told.occurrence.source).toBe('webhook');
  });

  test('is not what a person tries again, nor what was cancelled or ended well', async () => {
    const { run, fire, dead, again, parts } = await world();
    await fire();
    const good = await run(0);
    await fire();
    const bad = await run(1);
    expect(await dead()).toEqual([bad]);
    await expect(again(good)).rejects.toMatchObject({ code: 'KERUTA_ERR_TRANSITION' });
    await expect(again('none')).rejects.toMatchObject({ code: 'KERUTA_ERR_TASK_NOT_FOUND' });
    await retryTask(parts, { caller, taskId: bad });
    expect(await dead()).toEqual([]);
    await expect(again(bad)).rejects.toMatchObject({ code: 'KERUTA_ERR_TRANSITION' });
  });
});
