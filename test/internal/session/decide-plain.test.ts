import { expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { tick } from '../../../internal/session/tick.ts';
import { pauseTrigger } from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld, never } from './claims-world.ts';

const cron = (name: string, more: object = {}) => ({
  ...{ type: 'cron', expression: '* * * * *', name },
  ...more,
});

/** A world just before ten o'clock, and a way to let time pass. */
async function world() {
  const { parts, store, clock } = await makeWorld();
  const go = async (time: string) => {
    clock.jump(Date.parse(`2026-01-01T${time}Z`) - clock.now());
    return tick(parts, never);
  };
  await go('09:59:30.000');
  const apply = (value: object) => applyWorkflow(parts, { caller, owner: 'api', value });
  /** `w/t 10:00 run due`, in the order in which they were put on record */
  const rows = async () => {
    const triggers = new Map((await store.triggers({})).map(({ id, name }) => [id, name]));
    return (await store.occurrences({}, { limit: 1000, offset: 0 }))
      .toReversed()
      .map(
        ({ triggerId, nominalAt, decision, reason }) =>
          `${triggers.get(triggerId)} ${new Date(nominalAt).toISOString().slice(11, 16)} ${decision} ${reason}`,
      );
  };
  return { parts, store, go, apply, rows };
}

test('of many that fall due at once each is decided once, on record like one that falls due alone', async () => {
  const { store, go, apply, rows } = await world();
  await apply({
    name: 'many',
    run: { script: 'true', priority: 3 },
    overlap: 'allow',
    triggers: Array.from({ length: 100 }, (_, n) => cron(`t${n}`)),
  });
  await apply({ name: 'one', run: 'true', triggers: [cron('alone')] });
  expect(await go('10:00:00.010')).toBe(101);
  expect(await go('10:00:00.020')).toBe(0);
  const all = Array.from({ length: 100 }, (_, n) => `t${n} 10:00 run due`);
  expect((await rows()).toSorted()).toEqual([...all, 'alone 10:00 run due'].toSorted());
  const [together, alone] = await Promise.all(
    ['many', 'one'].map(async (name) => {
      const session = await store.sessionByName(name);
      const [task] = await store.tasks({ sessionId: session?.id ?? '' }, 'queue');
      const occurrence = await store.occurrenceOfTask(task?.id ?? '');
      const ledger = await store.ledger({ executionId: occurrence?.id ?? '' }, { limit: 5 });
      const trigger = await store.trigger(occurrence?.triggerId ?? '');
      return { task, occurrence, ledger, trigger };
    }),
  );
  const bare = (row: object | undefined | null, names: readonly string[]) =>
    Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !names.includes(name)));
  expect(bare(together?.task, ['id', 'sessionId', 'name', 'priority', 'triggerId'])).toEqual(
    bare(alone?.task, ['id', 'sessionId', 'name', 'priority', 'triggerId']),
  );
  const own = ['id', 'triggerId', 'workflowId', 'taskId'];
  expect(bare(together?.occurrence, own)).toEqual(bare(alone?.occurrence, own));
  expect(together?.ledger.map(({ status, kind }) => [status, kind])).toEqual([['PENDING', 'cron_execution']]);
  const { cursor, nextAt, updatedAt } = alone?.trigger ?? {};
  expect(together?.trigger).toMatchObject({ cursor, nextAt, updatedAt });
  expect(together?.task).toMatchObject({ priority: 3, triggerId: together?.trigger?.id });
});

test('what stands in the way of some does not touch the others', async () => {
  const { parts, go, apply, rows } = await world();
  await apply({
    name: 'mixed',
    run: 'true',
    triggers: [
      cron('skips'),
      cron('allows', { overlap: 'allow' }),
      cron('spread', { spread: '20s' }),
      cron('held'),
      cron('off', { enabled: false }),
    ],
  });
  await apply({
    name: 'governed',
    run: 'true',
    overlap: 'allow',
    policy: { maxRunsPerDay: 1 },
    triggers: [cron('limited')],
  });
  await pauseTrigger(parts, { caller, workflow: 'mixed', trigger: 'held' });
  await go('10:00:30.000');
  expect((await rows()).toSorted()).toEqual([
    'allows 10:00 run due',
    'limited 10:00 run due',
    'skips 10:00 run due',
    'spread 10:00 run due',
  ]);
  await go('10:01:30.000');
  expect((await rows()).slice(4).toSorted()).toEqual([
    'allows 10:01 run due',
    'limited 10:01 skipped run_limit',
    'skips 10:01 skipped overlap_skipped',
    'spread 10:01 skipped overlap_skipped',
  ]);
  // nobody was there for three minutes
  await go('10:04:30.000');
  expect((await rows()).slice(8).filter((row) => row.startsWith('allows'))).toEqual([
    'allows 10:02 skipped missed',
    'allows 10:03 skipped missed',
    'allows 10:04 run due',
  ]);
});

test('with no room for all of them, each is told for itself', async () => {
  const { parts, go, apply, rows } = await world();
  Object.assign(parts, { maxPendingTasks: 2 });
  await apply({
    name: 'full',
    run: 'true',
    overlap: 'allow',
    triggers: ['a', 'b', 'c', 'd'].map((name) => cron(name)),
  });
  await go('10:00:00.010');
  const told = (await rows()).map((row) => row.replace(/^\w /, '')).toSorted();
  expect(told).toEqual([
    '10:00 run due',
    '10:00 run due',
    '10:00 skipped queue_full',
    '10:00 skipped queue_full',
  ]);
});

test('after a while without a server every instant of many triggers is made up for once, the oldest first', async () => {
  const { parts, store, go, apply, rows } = await world();
  const names = Array.from({ length: 70 }, (_, n) => `t${n}`);
  await apply({
    ...{ name: 'many', run: 'true', overlap: 'allow', catchUp: 'all' },
    triggers: names.map((name) => cron(name)),
  });
  let transactions = 0;
  const { transact } = store;
  store.transact = (work) => {
    transactions += 1;
    return transact.call(store, work) as never;
  };
  await tick(parts, never);
  transactions = 0;
  expect(await go('10:04:00.500')).toBe(70);
  // 350 runs, a hundred in a transaction
  expect(transactions).toBeLessThan(10);
  store.transact = transact;
  const all = await rows();
  const expected = ['10:00', '10:01', '10:02', '10:03', '10:04'].flatMap((time) =>
    names.map((name) => `${name} ${time} run ${time === '10:04' ? 'due' : 'caught_up'}`),
  );
  expect(all.toSorted()).toEqual(expected.toSorted());
  for (const name of names) {
    const own = all.filter((row) => row.startsWith(`${name} `));
    expect(own).toEqual(own.toSorted());
  }
  const session = await store.sessionByName('many');
  const tasks = await store.tasks({ sessionId: session?.id ?? '' }, 'queue');
  expect(tasks.length).toBe(350);
  expect(await go('10:04:01.000')).toBe(0);
});

test('a trigger whose tasks may not overlap is decided by itself when several of its instants have passed', async () => {
  const { go, apply, rows } = await world();
  await apply({
    ...{ name: 'two', run: 'true', overlap: 'skip', catchUp: 'all' },
    triggers: [cron('a'), cron('b')],
  });
  expect(await go('10:01:00.500')).toBe(2);
  expect((await rows()).toSorted()).toEqual([
    ...[
      'a 10:00 run caught_up',
      'a 10:01 skipped overlap_skipped',
      'b 10:00 run caught_up',
      'b 10:01 skipped overlap_skipped',
    ],
  ]);
});
