import { expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { eventOfTask } from '../../../internal/session/event-of-task.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { eventsKeptMs, forgetEvents } from '../../../internal/session/forget-events.ts';
import { caller, makeWorld, never } from './claims-world.ts';

test('S-40: the data of events go after 30 days, what became of them stays', async () => {
  const { parts, store, clock } = await makeWorld();
  clock.jump(Date.parse('2026-01-01T00:00:00Z') - clock.now());
  await applyWorkflow(parts, { caller, owner: 'api', value: { name: 'w', run: 'true', overlap: 'allow' } });
  const [trigger] = await store.triggers({});
  const fire = (key: string) =>
    fireEvent(parts, {
      ...{ triggerId: trigger?.id ?? '', source: 'webhook', key, kind: 'push', data: { key } },
    });
  const old = await fire('delivery:old');
  clock.jump(1000);
  const young = await fire('delivery:young');
  clock.jump(eventsKeptMs - 500);
  expect([await forgetEvents(parts, never), await forgetEvents(parts, never)]).toEqual([1, 0]);
  if (!old.task || !young.task) throw new Error('nothing ran');
  expect(await eventOfTask(store, young.task)).toMatchObject({
    kind: 'push',
    data: { key: 'delivery:young' },
  });
  expect(await eventOfTask(store, old.task)).toMatchObject({ id: null, data: null, workflow: 'w' });
  // the same delivery again is known all the same
  expect(await fire('delivery:old')).toMatchObject({ isNew: false, task: { id: old.task.id } });
});
