import { expect, test } from 'vitest';
import { autoFix } from '../../../internal/session/auto-fix.ts';
import { makeWorld } from './claims-world.ts';

test('a session gets so many fix tasks in an hour and no more; the refusal is on record', async () => {
  const world = await makeWorld();
  const parts = { ...world.parts, maxFixesPerHour: 2 };
  const wish = async () => {
    const agent = world.agent();
    const task = await world.addTask({ priority: 9 });
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    return autoFix(parts, { ...agent.ref, taskId: task.id, errorMessage: 'broken', errorCode: '' });
  };
  expect(await wish()).toMatchObject({ created: true });
  expect(await wish()).toMatchObject({ created: true });
  expect(await wish()).toEqual({ task: null, refusal: 'TOO_MANY_IN_AN_HOUR' });
  const audit = await world.store.audit({ limit: 200, offset: 0 });
  expect(audit.filter(({ action }) => action === 'fix.too_many')).toMatchObject([{ details: { limit: 2 } }]);
  world.clock.advance(3_600_001);
  expect(await wish()).toMatchObject({ created: true });
});
