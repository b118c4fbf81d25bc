import { describe, expect, test } from 'vitest';
import type { Occurrence } from '../../../internal/domain/workflow.ts';
import { applyWorkflow, deleteWorkflow } from '../../../internal/session/apply-workflow.ts';
import { claim } from '../../../internal/session/claim.ts';
import { environmentOfTask, eventOfTask } from '../../../internal/session/event-of-task.ts';
import { finish } from '../../../internal/session/finish.ts';
import { renew } from '../../../internal/session/renew.ts';
import { tick } from '../../../internal/session/tick.ts';
import { fireNow, pauseTrigger, resumeTrigger } from '../../../internal/session/trigger-verbs.ts';
import { spreadMs } from '../../../internal/trigger/cron/hash.ts';
import { caller, makeWorld, never, report, type World } from './claims-world.ts';

const minute = 60_000;

/** A world that stands at an instant, with one workflow in it. */
async function at(instant: string, workflow: object) {
  const world = await makeWorld();
  world.clock.jump(Date.parse(instant) - world.clock.now());
  const apply = (more: object = {}) =>
    applyWorkflow(world.parts, {
      caller,
      owner: 'api',
      value: { name: 'w', run: 'true', ...workflow, ...more },
    });
  await apply();
  const go = async (to: string) => {
    world.clock.jump(Date.parse(to) - world.clock.now());
    await tick(world.parts, never);
  };
  return { ...world, apply, go, rows: () => rowsOf(world), tasks: () => tasksOf(world) };
}

async function occurrencesOf({ store }: World): Promise<Occurrence[]> {
  return (await store.occurrences({}, { limit: 1000, offset: 0 })).toSorted(
    (a, b) => a.nominalAt - b.nominalAt,
  );
}

/** `10:05 run due`, in the order of time. */
async function rowsOf(world: World): Promise<string[]> {
  const all = await occurrencesOf(world);
  return all.map(
    ({ nominalAt, decision, reason }) =>
      `${new Date(nominalAt).toISOString().slice(11, 16)} ${decision} ${reason}`,
  );
}

async function tasksOf({ store }: World) {
  const workflow = await store.sessionByName('w');
  return store.tasks({ sessionId: workflow?.id ?? '' }, 'queue');
}

const every5 = { triggers: [{ type: 'cron', expression: '*/5 * * * *' }] };

describe('what falls due while somebody is there', () => {
  test('runs once, in the session of the workflow, with its template', async () => {
    const world = await at('2026-01-01T09:58:00Z', {
      ...every5,
      run: { script: 'make report', name: 'report', parameters: { a: 1 }, priority: 7, timeout: '90s' },
      retry: { maxAttempts: 3, delay: '5s', exitCodes: [75], neverOn: ['oom'], deadline: '2h' },
      concurrency: { group: 'reports', limit: 2 },
    });
    await world.go('2026-01-01T09:59:59.999Z');
    expect(await world.rows()).toEqual([]);
    await world.go('2026-01-01T10:00:00.050Z');
    await world.go('2026-01-01T10:00:01Z');
    expect(await world.rows()).toEqual(['10:00 run due']);
    const [task] = await world.tasks();
    expect(task).toMatchObject({
      name: 'report',
      script: 'make report',
      parameters: { a: 1 },
      priority: 7,
      timeoutMs: 90_000,
      retryCount: 2,
      retry: {
        ...{
          backoff: 'exponential',
          delayMs: 5000,
          maxDelayMs: 3_600_000,
          exitCodes: [75],
          neverOn: ['oom'],
        },
        ...{ lostRetries: 1, deadlineMs: 7_200_000 },
      },
      concurrencyGroup: 'reports',
      concurrencyLimit: 2,
      input: 'none',
      triggerId: expect.any(String),
    });
    expect(await occurrencesOf(world)).toMatchObject([
      { taskId: task?.id, source: 'cron', workflowVersion: 1, actor: 'system' },
    ]);
  });

  test('F-86: after a clock that was set back, does not run a second time', async () => {
    const world = await at('2026-01-01T09:58:00Z', { ...every5, overlap: 'allow' });
    await world.go('2026-01-01T10:05:01Z');
    await world.go('2026-01-01T09:04:00Z');
    await world.go('2026-01-01T10:04:00Z');
    await world.go('2026-01-01T10:10:01Z');
    expect((await world.rows()).filter((row) => row.includes('run'))).toEqual([
      '10:05 run due',
      '10:10 run due',
    ]);
  });

  test('an interval keeps to its grid however late it is looked at', async () => {
    const world = await at('2026-01-01T10:00:07Z', {
      overlap: 'allow',
      triggers: [{ type: 'interval', every: '10s' }],
    });
    await world.go('2026-01-01T10:00:19Z');
    await world.go('2026-01-01T10:00:27Z');
    const all = await occurrencesOf(world);
    expect(all.map(({ nominalAt }) => new Date(nominalAt).toISOString().slice(17, 19))).toEqual(['17', '27']);
  });

  test('a spread moves the fire, not the nominal time', async () => {
    const world = await at('2026-01-01T09:58:00Z', {
      triggers: [{ type: 'cron', expression: '0 * * * *', spread: '10m' }],
    });
    await world.go('2026-01-01T10:59:00Z');
    const [one] = await occurrencesOf(world);
    expect(one?.nominalAt).toBe(Date.parse('2026-01-01T10:00:00Z'));
    expect(one?.effectiveAt).toBeGreaterThanOrEqual(one?.nominalAt ?? 0);
    expect(one?.effectiveAt).toBeLessThan((one?.nominalAt ?? 0) + 10 * minute);
    const spread = spreadMs(one?.triggerId ?? '', 10 * minute, 60 * minute);
    expect(one?.effectiveAt).toBe((one?.nominalAt ?? 0) + spread);
    // its task is told both
    const [task] = await world.tasks();
    if (task === undefined) throw new Error('it ran');
    const iso = (ms = 0) => new Date(ms).toISOString();
    expect(await eventOfTask(world.store, task)).toMatchObject({
      ...{ nominalAt: '2026-01-01T10:00:00.000Z', effectiveAt: iso(one?.effectiveAt) },
    });
    expect(await environmentOfTask(world.parts, task)).toMatchObject({
      KERUTA_NOMINAL_AT: '2026-01-01T10:00:00.000Z',
    });
  });

  test('before its first and after its last day it does not run', async () => {
    const [startAt, endAt] = ['2026-01-01T10:05:00Z', '2026-01-01T10:15:00Z'];
    const triggers = [
      { type: 'cron', expression: '*/5 * * * *', startAt, endAt, overlap: 'allow', catchUp: 'all' },
    ];
    const world = await at('2026-01-01T09:58:00Z', { triggers });
    await world.go('2026-01-01T10:30:00Z');
    expect(await world.rows()).toEqual(['10:05 run caught_up', '10:10 run caught_up']);
  });
});

describe('F-85: what fell due while nobody was there', () => {
  test.each([
    ['none', ['10:00 skipped missed', '10:05 skipped missed']],
    ['last', ['10:00 skipped missed', '10:05 run caught_up']],
    ['all', ['10:00 run caught_up', '10:05 run caught_up']],
  ])('with catchUp: %s', async (catchUp, rows) => {
    const world = await at('2026-01-01T09:58:00Z', { ...every5, catchUp, overlap: 'allow' });
    await world.go('2026-01-01T10:07:00Z');
    expect(await world.rows()).toEqual(rows);
    await world.go('2026-01-01T10:10:00Z');
    expect((await world.rows()).at(-1)).toBe('10:10 run due');
  });

  test('is made good in the order in which it fell due', async () => {
    const world = await at('2026-01-01T08:00:30Z', {
      ...{ catchUp: 'all', overlap: 'allow' },
      triggers: [{ type: 'cron', expression: '* * * * *' }],
    });
    await world.go('2026-01-01T08:20:00Z');
    const made = (await occurrencesOf(world)).map(({ taskId }) => taskId);
    expect(made).toHaveLength(20);
    expect((await world.tasks()).map(({ id }) => id)).toEqual(made);
  });

  test('of a minutely trigger makes one run with `last`, however long it was, and it goes on', async () => {
    const world = await at('2026-01-01T08:00:30Z', {
      overlap: 'allow',
      triggers: [{ type: 'cron', expression: '* * * * *' }],
    });
    await world.go('2026-01-01T09:42:15Z');
    const rows = await world.rows();
    expect(rows).toHaveLength(102);
    expect(rows.filter((row) => row.includes('run'))).toEqual(['09:42 run due']);
    await world.go('2026-01-01T09:43:00Z');
    expect((await world.rows()).at(-1)).toBe('09:43 run due');
  });

  test('of a minutely trigger makes one run after a whole day without a server, and it goes on', async () => {
    const world = await at('2026-01-01T08:00:30Z', {
      ...{ overlap: 'allow', triggers: [{ type: 'cron', expression: '* * * * *' }] },
    });
    await world.go('2026-01-02T08:00:30Z');
    const rows = await occurrencesOf(world);
    expect(rows.filter(({ decision }) => decision === 'run')).toHaveLength(1);
    // each of 1,440 minutes is on record, the oldest of them as one row
    const minutes = ({ nominalAt, details }: Occurrence) =>
      details.until === undefined ? 1 : (Date.parse(String(details.until)) - nominalAt) / minute + 1;
    expect(rows.reduce((sum, row) => sum + minutes(row), 0)).toBe(24 * 60);
    expect((await world.rows()).at(-1)).toBe('08:00 run due');
    await world.go('2026-01-02T08:01:00Z');
    expect((await occurrencesOf(world)).filter(({ decision }) => decision === 'run')).toHaveLength(2);
  });

  test('what is older than the window is summed up in one row', async () => {
    const world = await at('2026-01-01T10:00:01Z', {
      ...every5,
      catchUp: 'all',
      catchUpWindow: '12m',
      overlap: 'allow',
    });
    await world.go('2026-01-08T10:00:01Z');
    expect(await world.rows()).toEqual([
      '10:05 skipped missed_window',
      '09:50 run caught_up',
      '09:55 run caught_up',
      '10:00 run due',
    ]);
    expect((await occurrencesOf(world))[0]?.details).toEqual({ until: '2026-01-08T09:48:00.999Z' });
  });

  test('`all` makes good the newest ones up to its limit', async () => {
    const world = await at('2026-01-01T10:00:01Z', {
      ...every5,
      catchUp: 'all',
      catchUpMax: 2,
      overlap: 'allow',
    });
    await world.go('2026-01-01T10:24:00Z');
    expect(await world.rows()).toEqual([
      '10:05 skipped missed_limit',
      '10:10 skipped missed_limit',
      '10:15 run caught_up',
      '10:20 run caught_up',
    ]);
  });
});

describe('a trigger that is held', () => {
  test('runs nothing of that time when it goes on, and what it let pass is on record', async () => {
    const world = await at('2026-01-01T09:58:00Z', { triggers: [{ type: 'cron', expression: '0 * * * *' }] });
    await pauseTrigger(world.parts, { caller, workflow: 'w' });
    await world.go('2026-01-01T13:00:30Z');
    expect(await world.rows()).toEqual([]);
    await resumeTrigger(world.parts, { caller, workflow: 'w' });
    await world.go('2026-01-01T13:01:00Z');
    expect(await world.rows()).toEqual(['10', '11', '12', '13'].map((hour) => `${hour}:00 skipped paused`));
    await world.go('2026-01-01T14:00:00Z');
    expect((await world.rows()).at(-1)).toBe('14:00 run due');
  });

  test('makes good what its policy says when it is told to, once', async () => {
    const world = await at('2026-01-01T09:58:00Z', { triggers: [{ type: 'cron', expression: '0 * * * *' }] });
    await pauseTrigger(world.parts, { caller, workflow: 'w' });
    await world.go('2026-01-01T13:30:00Z');
    for (let n = 0; n < 2; n++) await resumeTrigger(world.parts, { caller, workflow: 'w', catchUp: true });
    expect((await world.rows()).filter((row) => row.includes('run'))).toEqual(['13:00 run caught_up']);
  });
});

describe('a task that is not finished', () => {
  const grid = (overlap: string) => ({ overlap, triggers: [{ type: 'interval', every: '10s' }] });
  const second = (n: number) => new Date(Date.parse('2026-01-01T10:00:00Z') + n * 1000).toISOString();

  /** Runs of 25 s on a grid of 10 s. @returns the seconds at which runs began */
  async function starts(overlap: string): Promise<number[]> {
    const world = await at(second(-10), grid(overlap));
    const session = await world.store.sessionByName('w');
    const began: number[] = [];
    let endsAt = 0;
    for (let now = 0; now <= 60; now += 5) {
      const { status, id } = (await world.tasks()).find((task) => task.status === 'PROCESSING') ?? {};
      if (status && now >= endsAt && id)
        await world.store.transact(async (tx) =>
          tx.putTask({ ...((await tx.task(id)) as never as object), status: 'COMPLETED' } as never),
        );
      await world.go(second(now));
      const tasks = await world.store.tasks(
        { sessionId: session?.id ?? '', statuses: ['PENDING', 'PROCESSING'] },
        'queue',
      );
      const [next] = tasks.filter((task) => task.status === 'PENDING');
      if (next && !tasks.some((task) => task.status === 'PROCESSING')) {
        await world.store.transact((tx) => tx.putTask({ ...next, status: 'PROCESSING' }));
        began.push(now);
        endsAt = now + 25;
      }
    }
    return began;
  }

  test('with skip, what falls due meanwhile is passed over, and the row names it', async () => {
    expect(await starts('skip')).toEqual([0, 30, 60]);
    const world = await at(second(-10), grid('skip'));
    await world.go(second(0));
    await world.go(second(10));
    const [first] = await world.tasks();
    expect((await occurrencesOf(world)).at(-1)).toMatchObject({
      reason: 'overlap_skipped',
      details: { taskId: first?.id },
    });
  });

  test('with buffer_one, one waits', async () => {
    expect(await starts('buffer_one')).toEqual([0, 25, 50]);
  });

  test('with cancel_other, it makes room', async () => {
    const world = await at(second(-10), grid('cancel_other'));
    await world.go(second(0));
    await world.go(second(10));
    expect((await world.tasks()).map(({ status }) => status)).toEqual(['CANCELLED', 'PENDING']);
  });

  test('with cancel_other, the one that runs is asked to end, and the next begins when it has', async () => {
    const world = await at(second(-10), grid('cancel_other'));
    const session = await world.store.sessionByName('w');
    const claimNext = async (agentId: string) => {
      const request = { agentId, claimId: agentId, waitMs: 0, agent: { hostname: 'h', version: '1' } };
      const found = await claim(world.parts, {
        ...{ caller, sessionId: session?.id ?? '', request, signal: never },
      });
      return found.claim;
    };
    await world.go(second(0));
    const first = await claimNext('one');
    await world.go(second(10));
    const ref = { caller, taskId: first?.task.id ?? '', number: 1 };
    const told = await renew(world.parts, {
      ...{ ...ref, request: { waitMs: 0, deliveredInputs: [] }, signal: never },
    });
    expect(told.cancel).not.toBeNull();
    expect(await claimNext('two')).toBeNull();
    await finish(world.parts, {
      ...ref,
      report: report({ exitCode: null, signal: 'SIGTERM', reason: 'cancel' }),
    });
    expect((await world.tasks()).map(({ status }) => status)).toEqual(['CANCELLED', 'PENDING']);
    expect((await claimNext('two'))?.task.id).toBe((await world.tasks())[1]?.id);
  });

  test('with buffer_all, a hundred wait and the next is passed over', async () => {
    const world = await at(second(-10), { ...grid('buffer_all'), catchUp: 'all', catchUpMax: 200 });
    await world.go(second(-10 + 103 * 10));
    expect((await world.tasks()).filter(({ status }) => status === 'PENDING')).toHaveLength(100);
    const skipped = (await occurrencesOf(world)).filter(({ decision }) => decision === 'skipped');
    expect(skipped.map(({ reason }) => reason)).toEqual(Array(3).fill('overlap_skipped'));
    expect(skipped[0]?.details).toMatchObject({ taskId: (await world.tasks()).at(-1)?.id });
  });

  test('with allow, nobody cares', async () => {
    const world = await at(second(-10), grid('allow'));
    await world.go(second(0));
    await world.go(second(10));
    expect((await world.tasks()).map(({ status }) => status)).toEqual(['PENDING', 'PENDING']);
  });
});

describe('a definition that changes', () => {
  test('counts from the next occurrence on; the same again changes nothing', async () => {
    const world = await at('2026-01-01T09:58:00Z', { ...every5, overlap: 'allow' });
    expect((await world.apply({ overlap: 'allow' })).change).toBe('unchanged');
    await world.go('2026-01-01T10:00:00Z');
    expect(await world.apply({ overlap: 'allow', run: 'echo new' })).toMatchObject({
      change: 'updated',
      workflow: { version: 2 },
    });
    await world.go('2026-01-01T10:05:00Z');
    expect((await world.tasks()).map(({ script }) => script)).toEqual(['true', 'echo new']);
    const workflow = await world.store.workflowByName('w');
    expect((await world.store.workflowVersions(workflow?.id ?? '')).map(({ version }) => version)).toEqual([
      2, 1,
    ]);
  });

  test('a new expression makes good nothing of the old one, and invents nothing of the past', async () => {
    const world = await at('2026-01-01T09:58:00Z', {
      triggers: [{ type: 'cron', expression: '0 10 * * *' }],
    });
    world.clock.jump(3 * 60 * minute);
    await world.apply({ triggers: [{ type: 'cron', expression: '0 11,15 * * *' }] });
    await world.go('2026-01-01T14:00:00Z');
    expect(await world.rows()).toEqual([]);
    await world.go('2026-01-01T15:00:00Z');
    expect(await world.rows()).toEqual(['15:00 run due']);
  });

  test('another zone makes good nothing of the old one, and invents nothing of the past', async () => {
    const nine = (timezone?: string) => ({
      triggers: [{ type: 'cron', expression: '0 9 * * *', ...(timezone ? { timezone } : {}) }],
    });
    const world = await at('2026-01-01T08:30:00Z', nine('Europe/London'));
    // nine in London is due and not decided yet; nine in Berlin has passed
    world.clock.jump(31 * minute);
    await world.apply(nine('Europe/Berlin'));
    await world.go('2026-01-01T09:02:00Z');
    expect(await world.rows()).toEqual([]);
    await world.go('2026-01-02T08:00:00Z');
    await world.go('2026-01-02T09:00:00Z');
    expect(await world.rows()).toEqual(['08:00 run due']);
    // without a zone of its own it goes by that of the server
    await world.apply(nine());
    await world.go('2026-01-02T09:00:30Z');
    expect(await world.rows()).toEqual(['08:00 run due']);
    await world.go('2026-01-03T08:00:00Z');
    expect(await world.rows()).toEqual(['08:00 run due']);
    await world.go('2026-01-03T09:00:00Z');
    expect((await world.rows()).slice(1)).toEqual([expect.stringMatching(/^09:00/)]);
  });

  test('fires once at an instant that the old rule had and the new one has, with what is run now', async () => {
    const world = await at('2026-01-01T09:58:00Z', { ...every5, overlap: 'allow' });
    // the old one is due and not decided yet
    world.clock.jump(2 * minute);
    await world.apply({ run: 'echo new', triggers: [{ type: 'cron', expression: '0,5,30 * * * *' }] });
    await world.go('2026-01-01T10:05:00Z');
    await world.go('2026-01-01T10:29:00Z');
    expect(await world.rows()).toEqual(['10:05 run due']);
    expect((await world.tasks()).map(({ script }) => script)).toEqual(['echo new']);
  });

  test('switched off and on again, it makes good nothing of the time between', async () => {
    const world = await at('2026-01-01T09:58:00Z', every5);
    await world.apply({ enabled: false });
    await world.go('2026-01-01T10:07:00Z');
    await world.apply({ enabled: true });
    await world.go('2026-01-01T10:09:00Z');
    expect(await world.rows()).toEqual([]);
    await world.go('2026-01-01T10:10:00Z');
    expect(await world.rows()).toEqual(['10:10 run due']);
  });

  test('of another owner is refused, unless it is taken over', async () => {
    const world = await at('2026-01-01T09:58:00Z', every5);
    const value = { name: 'w', run: 'false' };
    const wish = { caller, owner: 'file:a.yaml', value };
    await expect(applyWorkflow(world.parts, wish)).rejects.toMatchObject({
      code: 'KERUTA_ERR_WORKFLOW_OWNED',
    });
    expect(await applyWorkflow(world.parts, { ...wish, takeOver: true })).toMatchObject({
      change: 'updated',
    });
  });

  test('a dry run writes nothing', async () => {
    const world = await makeWorld();
    const wish = { caller, owner: 'api', value: { name: 'w', run: 'true', ...every5 }, dryRun: true };
    expect((await applyWorkflow(world.parts, wish)).change).toBe('created');
    expect(await world.store.workflows()).toEqual([]);
    expect(await world.store.sessionByName('w')).toBeNull();
  });

  test('once it is deleted nothing fires any more, and what happened stays on record', async () => {
    const world = await at('2026-01-01T09:58:00Z', every5);
    await world.go('2026-01-01T10:00:00Z');
    await deleteWorkflow(world.parts, { caller, name: 'w' });
    await world.go('2026-01-01T10:05:00Z');
    expect(await world.rows()).toEqual(['10:00 run due']);
    await expect(deleteWorkflow(world.parts, { caller, name: 'w' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_WORKFLOW_NOT_FOUND',
    });
  });
});

describe('firing by hand', () => {
  test('makes a task with the parameters that were given, also as if at another time; the same key once', async () => {
    const world = await at('2026-01-01T09:58:00Z', {
      ...every5,
      run: { script: 'true', parameters: { a: 1, b: 2 } },
    });
    const wish = { caller, workflow: 'w', parameters: { b: 3 }, at: 5, key: 'k' };
    const [first, again] = [await fireNow(world.parts, wish), await fireNow(world.parts, wish)];
    expect(first).toMatchObject({
      isNew: true,
      task: { parameters: { a: 1, b: 3 } },
      occurrence: { source: 'manual', nominalAt: 5 },
    });
    expect(again).toMatchObject({ isNew: false, task: { id: first.task?.id } });
  });

  test('obeys what is switched off or under way, unless it is forced', async () => {
    const world = await at('2026-01-01T09:58:00Z', { ...every5, enabled: false });
    expect((await fireNow(world.parts, { caller, workflow: 'w' })).occurrence).toMatchObject({
      decision: 'skipped',
      reason: 'disabled',
    });
    expect((await fireNow(world.parts, { caller, workflow: 'w', isForced: true })).occurrence.decision).toBe(
      'run',
    );
  });

  test('names the parameters that are missing, and triggers that are not there', async () => {
    const world = await at('2026-01-01T09:58:00Z', {
      triggers: [{ type: 'manual', required: ['who', 'when'] }],
    });
    await expect(fireNow(world.parts, { caller, workflow: 'w', parameters: { who: 1 } })).rejects.toThrow(
      'wants the parameters when;',
    );
    await expect(fireNow(world.parts, { caller, workflow: 'w', trigger: 'x' })).rejects.toThrow(
      'has the triggers manual',
    );
    await expect(fireNow(world.parts, { caller, workflow: 'v' })).rejects.toThrow('There is no workflow v');
  });
});
