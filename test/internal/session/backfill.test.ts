import { describe, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { backfill, cancelBackfill, maxBackfilled } from '../../../internal/session/backfill.ts';
import { tick } from '../../../internal/session/tick.ts';
import { pauseTrigger } from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld, never } from './claims-world.ts';

const hourly = { triggers: [{ type: 'cron', expression: '0 * * * *' }], catchUp: 'none' };
const at = (text: string) => Date.parse(`2026-01-${text}Z`);
const day = { from: at('01T00:00:00'), to: at('02T00:00:00') };

/** A workflow that is there since the last minute of a day; it is now the 2nd, 12:30. */
async function world(workflow: object = hourly, more: object = {}) {
  const made = await makeWorld();
  const parts = { ...made.parts, ...more };
  const go = async (text: string) => {
    made.clock.jump(at(text) - made.clock.now());
    await tick(parts, never);
  };
  await go('01T23:59:00');
  await applyWorkflow(parts, { caller, owner: 'api', value: { name: 'w', run: 'true', ...workflow } });
  await go('02T12:30:00');
  const fill = (wish: object = {}) => backfill(parts, { caller, workflow: 'w', ...day, ...wish });
  const rows = () => made.store.occurrences({}, { limit: 1000, offset: 0 });
  const session = await made.store.sessionByName('w');
  const tasks = () => made.store.tasks({ sessionId: session?.id ?? '' }, 'queue');
  return { ...made, parts, go, fill, rows, tasks };
}

const states = ({ instants }: Awaited<ReturnType<typeof backfill>>) => {
  const counts: Record<string, number> = {};
  for (const { state } of instants) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
};

describe('a backfill', () => {
  test('runs each instant from the first, inclusive, to the last, exclusive; the second one runs nothing', async () => {
    const { fill, rows, tasks } = await world();
    const before = (await rows()).length;
    const first = await fill();
    expect(states(first)).toEqual({ run: 24 });
    expect(first.instants[0]?.nominalAt).toBe(day.from);
    expect(first.instants.at(-1)?.nominalAt).toBe(at('01T23:00:00'));
    expect((await tasks()).map(({ id }) => id)).toEqual(first.instants.map(({ taskId }) => taskId));
    const second = await fill();
    expect(states(second)).toEqual({ ran: 24 });
    expect(second.instants.map(({ taskId }) => taskId)).toEqual(first.instants.map(({ taskId }) => taskId));
    expect(await tasks()).toHaveLength(24);
    expect((await rows()).length).toBe(before + 24);
    expect((await rows()).find(({ key }) => key === 'at:2026-01-01T05:00:00.000Z')).toMatchObject({
      ...{ source: 'backfill', decision: 'run', reason: 'asked', details: { backfill: first.id } },
    });
  });

  test('puts its run in the place of what was missed, and leaves alone what ran', async () => {
    const { fill, rows } = await world();
    const range = { from: at('02T00:00:00'), to: at('02T12:01:00') };
    expect((await rows()).map(({ reason }) => reason)).toEqual(Array(13).fill('missed'));
    expect(states(await fill(range))).toEqual({ run: 13 });
    const after = await rows();
    expect(after).toHaveLength(13);
    expect(after[0]).toMatchObject({ decision: 'run', details: { was: 'missed' } });
    expect(states(await fill({ ...range, onlyMissing: false }))).toEqual({ run: 13 });
    expect(await rows()).toHaveLength(26);
  });

  test('leaves what a normal fire ran, and a normal fire leaves what it ran', async () => {
    const { fill, go, rows } = await world({ ...hourly, overlap: 'allow' });
    await go('02T13:00:01');
    await go('02T14:00:00');
    const range = { from: at('02T13:00:00'), to: at('02T14:00:00') };
    expect(states(await fill(range))).toEqual({ ran: 1 });
    expect((await rows()).filter(({ decision }) => decision === 'run')).toHaveLength(2);
  });

  test('as a dry run says what would run, and writes nothing', async () => {
    const { fill, rows, tasks } = await world();
    const before = await rows();
    expect(states(await fill({ dryRun: true }))).toEqual({ run: 24 });
    expect([await rows(), await tasks()]).toEqual([before, []]);
  });

  test('fills the queue up to its limit only, and goes on there the next time', async () => {
    const { fill, store, tasks } = await world({
      ...hourly,
      triggers: [{ type: 'cron', expression: '5/10 * * * *' }],
    });
    expect(states(await fill())).toEqual({ run: maxBackfilled, left: 144 - maxBackfilled });
    expect(states(await fill())).toEqual({ ran: maxBackfilled, left: 144 - maxBackfilled });
    for (const task of await tasks())
      await store.transact((tx) => tx.putTask({ ...task, status: 'COMPLETED' }));
    expect(states(await fill())).toEqual({ ran: maxBackfilled, run: 144 - maxBackfilled });
  });

  test('obeys the limit of its session', async () => {
    const { fill, tasks } = await world(hourly, { maxPendingTasks: 5 });
    expect(states(await fill())).toEqual({ run: 5, refused: 19 });
    expect(await tasks()).toHaveLength(5);
  });

  test('obeys the limit of a day, which force does not pass over, and goes on there the next day', async () => {
    const { fill, go, tasks, rows } = await world({
      ...hourly,
      overlap: 'allow',
      policy: { maxRunsPerDay: 5 },
    });
    expect(states(await fill())).toEqual({ run: 5, refused: 19 });
    expect(await tasks()).toHaveLength(5);
    expect((await rows()).filter(({ reason }) => reason === 'run_limit')).toMatchObject([
      { source: 'backfill', nominalAt: at('01T05:00:00') },
    ]);
    expect(states(await fill())).toEqual({ ran: 5, refused: 19 });
    // the next day has one instant of its own before
    await go('03T00:00:00');
    expect(states(await fill())).toEqual({ ran: 5, run: 4, refused: 15 });
  });

  test('counts for the overlap of what falls due meanwhile', async () => {
    const { fill, go, rows } = await world();
    await fill({ to: at('01T01:00:00') });
    await go('02T13:00:00');
    expect((await rows()).find(({ source }) => source === 'cron')).toMatchObject({
      reason: 'overlap_skipped',
    });
  });

  test.each(['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow'])(
    'with %s waits behind the run that is under way, and runs its instants one after another',
    async (overlap) => {
      const { fill, go, agent, clock, store } = await world({ ...hourly, overlap, session: 'demo' });
      await go('02T13:00:00');
      const worker = agent();
      const normal = (await worker.claim())?.task.id ?? '';
      const { instants } = await fill({ to: at('01T03:00:00') });
      const order: (string | undefined)[] = [];
      for (const _ of [normal, ...instants]) {
        // another agent gets nothing while one is under way
        expect(await agent('other').claim()).toBeNull();
        order.push(worker.claimed?.task.id);
        clock.advance(1000);
        await worker.finish();
        await worker.claim();
      }
      expect(order).toEqual([normal, ...instants.map(({ taskId }) => taskId)]);
      const ends = await Promise.all(order.map((id) => store.task(id ?? '')));
      expect(ends.map((task) => task?.status)).toEqual(order.map(() => 'COMPLETED'));
    },
  );

  test.each([
    ['buffer_one', 1, 'overlap_skipped', Array(1).fill('PENDING')],
    ['buffer_all', maxBackfilled, 'overlap_skipped', Array(maxBackfilled).fill('PENDING')],
    ['buffer_all', 1, 'due', ['PENDING', 'PENDING']],
    ['cancel_other', 2, 'due', ['CANCELLED', 'CANCELLED', 'PENDING']],
    ['allow', 2, 'due', ['PENDING', 'PENDING', 'PENDING']],
  ])(
    'with %s, and %i of it that wait, leaves what falls due then as %s',
    async (overlap, waiting, reason, statuses) => {
      const triggers = [{ type: 'cron', expression: '5/10 * * * *' }];
      const { fill, go, rows, tasks } = await world({ ...hourly, triggers, overlap });
      await fill({ to: day.from + waiting * 600_000 });
      await go('02T12:35:00');
      expect(
        (await rows()).find(({ source, nominalAt }) => source === 'cron' && nominalAt === at('02T12:35:00')),
      ).toMatchObject({ reason });
      expect((await tasks()).map(({ status }) => status)).toEqual(statuses);
    },
  );

  test('of a trigger that is held runs too', async () => {
    const { fill, parts } = await world();
    await pauseTrigger(parts, { caller, workflow: 'w' });
    expect(states(await fill())).toEqual({ run: 24 });
  });

  test('is cancelled: what waits of it ends, what runs goes on, other tasks stay', async () => {
    const { fill, parts, store, tasks } = await world();
    const first = await fill({ to: at('01T03:00:00') });
    const other = await fill({ from: at('01T03:00:00') });
    const running = await store.task(first.instants[0]?.taskId ?? '');
    if (running) await store.transact((tx) => tx.putTask({ ...running, status: 'PROCESSING' }));
    const cancelled = await cancelBackfill(parts, { caller, workflow: 'w', backfill: first.id });
    expect(cancelled.map(({ status }) => status)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await cancelBackfill(parts, { caller, workflow: 'w' })).toHaveLength(other.instants.length);
    expect((await tasks()).filter(({ status }) => status === 'PROCESSING')).toHaveLength(1);
  });

  test.each([
    [{ to: day.from }, 'expected a range that is over'],
    [{ to: at('03T00:00:00') }, 'expected a range that is over'],
    [{ from: at('01T00:00:00') - 3 * 365 * 86_400_000 }, 'at most 10000 instants'],
    [{ trigger: 'manual' }, 'does not fall due by time'],
  ])('of %j is refused', async (wish, message) => {
    const { fill } = await world();
    await expect(fill(wish)).rejects.toThrow(message);
  });
});
