import { afterAll, expect, test } from 'vitest';
import { heldUp } from '../faults/lab/starvation.ts';
import { makePlace, until } from './place.ts';

const place = makePlace('cost');
afterAll(() => place.close());

test('a run that has spent all that it may is ended within 10 s, with the reason, though nothing of it failed', {
  timeout: 120_000,
}, async () => {
  await place.server();
  const script = 'keruta cost add 0.02 --key a; keruta cost add 0.04 --key b; exec sleep 600';
  await place.api('POST', '/workflows', {
    ...{ name: 'dear', run: { script, autoFix: false } },
    policy: { maxCostPerRun: '0.05', maxCostPerDay: '1.00' },
  });
  const { taskId } = await place.api<{ taskId: string }>('POST', '/workflows/dear/fire', {});
  const { sessionId } = await place.task(taskId);
  await place.daemon(sessionId, ['--base-dir', place.path('base')]);
  const spent = async () => (await place.api<{ amount: string }>('GET', `/tasks/${taskId}/costs`)).amount;
  // the script may be ended before it can say that it has paid
  await until('it has paid', async () => (await spent()) === '0.06', 60_000);
  const [began, held] = [performance.now(), heldUp()];
  const task = await place.ended(taskId, 60_000);
  expect(task).toMatchObject({ status: 'CANCELLED', reason: 'cost_limit' });
  // told at the next word between agent and server, which is two seconds away
  expect(performance.now() - began).toBeLessThan(10_000 + held());
  expect(await spent()).toBe('0.06');
});
