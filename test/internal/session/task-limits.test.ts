import { expect, test } from 'vitest';
import { systemCaller } from '../../../internal/session/parts.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { makeWorld, sessionId } from './claims-world.ts';

const newTask = { sessionId, name: 'build', script: 'true' };

test('a session takes its tasks of a minute at once, then one more is refused with the time to wait', async () => {
  const { parts, clock } = await makeWorld();
  const limited = { ...parts, maxTasksPerMinute: 3 };
  const submit = (options = {}) => submitTask(limited, systemCaller, newTask, options);
  await submit({ idempotencyKey: 'once' });
  await submit();
  await submit();
  await expect(submit()).rejects.toMatchObject({
    code: 'KERUTA_ERR_RATE_LIMITED',
    message: expect.stringContaining('the limit maxTasksPerMinute of 3 new tasks in a minute'),
    details: { limit: 'maxTasksPerMinute', max: 3, retryAfterMs: 20_000 },
  });
  // a repetition makes nothing new
  expect(await submit({ idempotencyKey: 'once' })).toMatchObject({ created: false });
  clock.advance(20_000);
  expect(await submit()).toMatchObject({ created: true });
  await expect(submit()).rejects.toMatchObject({ code: 'KERUTA_ERR_RATE_LIMITED' });
});

test('the rate of one session is not that of another', async () => {
  const { parts, store } = await makeWorld();
  const limited = { ...parts, maxTasksPerMinute: 1 };
  await store.transact(async (tx) =>
    tx.putSession({ ...(await tx.session(sessionId))!, id: 'other', name: 'other' }),
  );
  await submitTask(limited, systemCaller, newTask);
  expect(await submitTask(limited, systemCaller, { ...newTask, sessionId: 'other' })).toMatchObject({
    created: true,
  });
});

test('a session takes as many waiting tasks as are allowed and no more, until one is taken', async () => {
  const { parts, agent } = await makeWorld();
  const limited = { ...parts, maxPendingTasks: 2 };
  const submit = () => submitTask(limited, systemCaller, newTask);
  await submit();
  await submit();
  await expect(submit()).rejects.toMatchObject({
    code: 'KERUTA_ERR_RATE_LIMITED',
    details: { limit: 'maxPendingTasks', max: 2, retryAfterMs: 60_000 },
  });
  await agent().claim();
  expect(await submit()).toMatchObject({ created: true });
});

test('waiting tasks are counted exactly where the limit is near, and not each time where it is far', async () => {
  const { parts, store } = await makeWorld();
  let counted = 0;
  const transact: typeof store.transact = (work) =>
    store.transact((tx) =>
      work({
        ...tx,
        countTasks: (filter) => {
          counted += 1;
          return tx.countTasks(filter);
        },
      }),
    );
  // what is kept of a store is kept by it: this one is another
  const limited = { ...parts, store: { ...store, transact }, maxPendingTasks: 20 };
  const submit = () => submitTask(limited, systemCaller, newTask);
  for (let n = 0; n < 10; n++) await submit();
  expect(counted).toBe(1);
  for (let n = 0; n < 10; n++) await submit();
  await expect(submit()).rejects.toMatchObject({ details: { limit: 'maxPendingTasks' } });
  expect(await store.countTasks({ sessionId, statuses: ['PENDING'] })).toBe(20);
});

test('the fix of a failure is made although the session is full', async () => {
  const world = await makeWorld();
  await world.addTask();
  const agent = world.agent();
  await agent.claim();
  await world.addTask();
  const full = { ...world.parts, maxPendingTasks: 1, maxTasksPerMinute: 1 };
  const late = Object.assign(world.agent(), { claimed: agent.claimed, parts: full });
  const fix = { script: 'repair', bundle: null, fingerprint: null };
  expect(await late.finish({ exitCode: 1, fix })).toMatchObject({ fixTaskId: expect.any(String) });
});
