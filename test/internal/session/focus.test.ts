import { describe, expect, test } from 'vitest';
import type { Task } from '../../../internal/domain/task.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { environmentOfTask, eventOfTask } from '../../../internal/session/event-of-task.ts';
import { fireNow } from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld, type World } from './claims-world.ts';

const apply = (world: World, more: object) =>
  applyWorkflow(world.parts, { caller, owner: 'api', value: { name: 'w', run: 'true', ...more } });

async function fired(world: World): Promise<Task> {
  const { task } = await fireNow(world.parts, { caller, workflow: 'w' });
  return task as Task;
}

async function told(
  { store }: World,
  task: Task,
): Promise<[string | undefined, readonly string[] | undefined]> {
  const { KERUTA_FOCUS } = await environmentOfTask({ store }, task);
  return [KERUTA_FOCUS, (await eventOfTask(store, task)).focus];
}

describe('the focus of a workflow', () => {
  test('is handed to its tasks in KERUTA_FOCUS and in the event, as it was when they were made', async () => {
    const world = await makeWorld();
    await apply(world, { focus: ['stock', 'orders'] });
    const task = await fired(world);
    expect(await told(world, task)).toEqual(['stock,orders', ['stock', 'orders']]);
    await apply(world, { focus: 'reports', overlap: 'allow' });
    expect(await told(world, task)).toEqual(['stock,orders', ['stock', 'orders']]);
    expect(await told(world, await fired(world))).toEqual(['reports', ['reports']]);
  });

  test('is empty, not absent, when it has none', async () => {
    const world = await makeWorld();
    await apply(world, {});
    expect(await told(world, await fired(world))).toEqual(['', []]);
  });

  test('is kept with the blanks around it taken off, and a text is a list of one', async () => {
    const world = await makeWorld();
    const { workflow } = await apply(world, { focus: '  stock check ' });
    expect(workflow.definition.focus).toEqual(['stock check']);
  });

  test.each([
    [''],
    [' '],
    ['a,b'],
    ['a\nb'],
    ['x'.repeat(101)],
    [7],
    [{}],
    [Array(21).fill('a')],
    [['a', '']],
  ])('%j is refused, and named', async (focus) => {
    const world = await makeWorld();
    await expect(apply(world, { focus })).rejects.toMatchObject({
      code: 'KERUTA_ERR_WORKFLOW',
      message: expect.stringContaining('focus'),
    });
  });
});
