import { describe, expect, test } from 'vitest';
import { fireMany } from '../../../internal/session/fire-many.ts';
import { resetBreaker } from '../../../internal/session/reset-breaker.ts';
import { setPolicy } from '../../../internal/session/set-policy.ts';
import { sweep } from '../../../internal/session/sweep.ts';
import { caller, coded } from './claims-world.ts';
import { checksOf, governed } from './govern-world.ts';

describe('a limit of runs', () => {
  test('lets exactly so many of 50 simultaneous events run; the others are on record with the numbers', async () => {
    const world = await governed({ policy: { maxRunsPerDay: 10 } });
    const fired = await Promise.all(Array.from({ length: 50 }, () => world.event()));
    expect(fired.filter(({ task }) => task !== null)).toHaveLength(10);
    const told = await world.told();
    expect(told.filter((one) => one === 'run event')).toHaveLength(10);
    expect(told.filter((one) => one === 'skipped run_limit')).toHaveLength(40);
    expect(checksOf((await world.rows()).at(-1)!)).toEqual([
      {
        ...{ name: 'runs_per_day', passed: false, limit: 10, value: 10, scope: 'workflow' },
        reason: 'run_limit',
      },
    ]);
  });

  test('begins anew with the day of the zone of the trigger', async () => {
    const cron = { type: 'cron', expression: '30 3,4 * * *', timezone: 'America/New_York' };
    const world = await governed({ policy: { maxRunsPerDay: 1 }, triggers: [cron] }, '2026-03-07T12:00:00Z');
    for (const at of ['2026-03-08T07:30:00Z', '2026-03-08T08:30:00Z', '2026-03-09T07:30:00Z'])
      await world.go(at);
    expect(await world.told()).toEqual(['run due', 'skipped run_limit', 'run due']);
  });

  test('of a session and of everything counts what happens there, and the strictest wins', async () => {
    const world = await governed({ policy: { maxRunsPerDay: 5 } });
    const session = await world.store.sessionByName('demo');
    await setPolicy(world.parts, { caller, value: { maxRunsPerHour: 4 } });
    await setPolicy(world.parts, { caller, sessionId: session!.id, value: { maxRunsPerDay: 2 } });
    for (let n = 0; n < 3; n++) await world.event();
    expect(await world.told()).toEqual(['run event', 'run event', 'skipped run_limit']);
    const failed = checksOf((await world.rows()).at(-1)!).filter(({ passed }) => !passed);
    expect(failed.map(({ scope }) => scope)).toEqual(['session']);
  });

  test('is not passed over by force', async () => {
    const world = await governed({ policy: { maxRunsPerDay: 1 } });
    await world.fire();
    expect((await world.fire({ isForced: true })).occurrence.reason).toBe('run_limit');
  });
});

describe('without any policy', () => {
  test('many events go together, and nothing is checked or counted', async () => {
    const world = await governed({});
    const wishes = Array.from({ length: 20 }, (_, n) => ({
      ...{ triggerId: world.triggerId, source: 'webhook' as const, key: `k${n}`, kind: '', data: {} },
    }));
    expect(await fireMany(world.parts, wishes)).toHaveLength(20);
    expect((await world.rows()).every((row) => checksOf(row).length === 0)).toBe(true);
    expect(await world.store.workflowHistory(world.workflow.id)).toBeNull();
  });

  test('and with one, they go one by one', async () => {
    const world = await governed({ policy: { maxRunsPerDay: 1 } });
    const wish = { triggerId: world.triggerId, source: 'webhook' as const, key: 'k', kind: '', data: {} };
    expect(await fireMany(world.parts, [wish, { ...wish, key: 'l' }])).toBeNull();
  });
});

describe('a cooldown', () => {
  test('holds from the start, also after a failure, and ends to the millisecond', async () => {
    const world = await governed({ policy: { cooldown: '60s' } });
    await world.event();
    await world.end(false);
    world.clock.advance(59_999);
    await world.event();
    world.clock.advance(1);
    await world.event();
    expect(await world.told()).toEqual(['run event', 'skipped cooldown', 'run event']);
  });

  test('does not drop every second run of a schedule that is as long, however late a server looks', async () => {
    const cron = { type: 'cron', expression: '* * * * *' };
    const world = await governed({ policy: { cooldown: '60s' }, triggers: [cron] });
    await world.go('2026-01-01T09:59:00.900Z');
    await world.go('2026-01-01T10:00:00.010Z');
    expect(await world.told()).toEqual(['run due', 'run due']);
  });

  test('knows the runs from before there was a policy', async () => {
    const world = await governed({});
    await world.event();
    await world.apply({ policy: { cooldown: '60s' } });
    world.clock.advance(30_000);
    await world.event();
    expect(await world.told()).toEqual(['run event', 'skipped cooldown']);
  });

  test('from the last success leaves a failure none', async () => {
    const world = await governed({ policy: { cooldown: '60s', cooldownFrom: 'success' } });
    for (const isGood of [false, true]) {
      await world.event();
      await world.end(isGood);
    }
    await world.event();
    expect(await world.told()).toEqual(['run event', 'run event', 'skipped cooldown']);
  });
});

describe('a breaker', () => {
  const policy = { breaker: { coolOff: '15m' } };

  test('opens at the fifth failure, lets one probe through when it is over, and its success closes it', async () => {
    const world = await governed({ policy });
    for (let n = 0; n < 5; n++) {
      await world.event();
      await world.end(false);
    }
    await world.event();
    world.clock.advance(15 * 60_000);
    await Promise.all([world.event(), world.event(), world.event(), world.event()]);
    await world.end(true);
    await world.event();
    const told = await world.told();
    expect(told.slice(5)).toEqual([
      'skipped breaker_open',
      'run event',
      ...Array<string>(3).fill('skipped breaker_probe_in_flight'),
      'run event',
    ]);
    const acts = await world.store.ledger({}, { limit: 100 });
    expect(acts.map(({ kind }) => kind).filter((kind) => kind.startsWith('breaker'))).toEqual([
      'breaker.closed',
      'breaker.opened',
    ]);
  });

  test('lets a person pass with force, as the probe, and a failure keeps it open for longer', async () => {
    const world = await governed({ policy });
    for (let n = 0; n < 5; n++) {
      await world.event();
      await world.end(false);
    }
    expect((await world.fire()).occurrence.reason).toBe('breaker_open');
    expect((await world.fire({ isForced: true })).task).not.toBeNull();
    expect((await world.fire({ isForced: true })).occurrence.reason).toBe('breaker_probe_in_flight');
    await world.end(false);
    const history = await world.store.workflowHistory(world.workflow.id);
    expect(history?.breaker).toMatchObject({ state: 'open', coolOffMs: 30 * 60_000 });
  });

  test('is closed by a reset, which is on record once with who did it, also when it is said again', async () => {
    const world = await governed({ policy });
    for (let n = 0; n < 5; n++) {
      await world.event();
      await world.end(false);
    }
    const someone = { ...caller, actor: 'ann' };
    expect((await resetBreaker(world.parts, { caller: someone, workflow: 'w' })).was?.state).toBe('open');
    expect((await resetBreaker(world.parts, { caller, workflow: 'w' })).was).toBeNull();
    await world.event();
    expect((await world.told()).at(-1)).toBe('run event');
    const acts = await world.store.ledger({}, { limit: 100 });
    const entries = acts.filter(({ kind }) => kind === 'breaker.reset');
    expect(entries).toMatchObject([{ actor: 'ann', workflow: 'w', details: { was: 'open' } }]);
  });

  test('counts no refusals and no cancelled runs', async () => {
    const world = await governed({ policy: { ...policy, maxRunsPerDay: 4 } });
    for (let n = 0; n < 4; n++) {
      await world.event();
      await world.end(false);
    }
    for (let n = 0; n < 9; n++) await world.event();
    const history = await world.store.workflowHistory(world.workflow.id);
    expect(history?.breaker).toMatchObject({ state: 'closed', results: 'FFFF' });
  });
});

describe('money', () => {
  const policy = { maxCostPerDay: '1.00', costEstimate: '0.30', maxCostPerRun: '0.40' };
  const used = async (world: Awaited<ReturnType<typeof governed>>) => [
    ...(await world.store.counters([`cost workflow ${world.workflow.id} UTC 2026-01-01`])).values(),
  ];

  test('is reserved before, so that what is spent and reserved never passes the limit', async () => {
    const world = await governed({ policy });
    const fired = await Promise.all(Array.from({ length: 10 }, () => world.event()));
    expect(fired.filter(({ task }) => task !== null)).toHaveLength(3);
    expect(await used(world)).toEqual([900_000]);
    expect(fired.at(-1)?.occurrence.reason).toBe('cost_limit');
  });

  test('is settled at the end: what was not spent may be spent by others', async () => {
    const world = await governed({ policy });
    for (let n = 0; n < 3; n++) await world.event();
    const agent = world.agent();
    await agent.claim();
    const cost = { kind: 'cost', micro: 50_000, tokensIn: 5, tokensOut: null, model: 'm' };
    await agent.say({ ...cost, seq: 1, key: 'a' });
    await agent.finish({ controlSeq: 1 });
    expect(await used(world)).toEqual([650_000]);
    expect((await world.event()).task).not.toBeNull();
    expect((await world.event()).occurrence.reason).toBe('cost_limit');
  });

  test('is warned about at 80 % and stops the run at all of it, also when every run succeeds', async () => {
    const world = await governed({ policy });
    const { task } = await world.event();
    const agent = world.agent();
    await agent.claim();
    const cost = { kind: 'cost', tokensIn: null, tokensOut: null, model: '' };
    const logs = async () => (await world.store.logs(task!.id, {})).map(({ level }) => level);
    await agent.say({ ...cost, seq: 1, key: 'a', micro: 310_000 });
    expect(await logs()).toEqual([]);
    await agent.say({ ...cost, seq: 2, key: 'b', micro: 10_000 });
    expect(await logs()).toEqual(['WARN']);
    expect((await agent.renew()).cancel).toBe(false);
    await agent.say({ ...cost, seq: 3, key: 'c', micro: 80_000 });
    expect((await agent.renew()).cancel).toBe(true);
    await agent.exited({ exitCode: null, signal: 'SIGTERM', reason: 'cancel' });
    expect(await world.show(task!.id)).toMatchObject({ status: 'CANCELLED', reason: 'cost_limit' });
    await agent.finish({ exitCode: null, signal: 'SIGTERM', reason: 'cancel', controlSeq: 3 });
    expect(await world.show(task!.id)).toMatchObject({
      ...{ status: 'CANCELLED', reason: 'cost_limit' },
      message: expect.stringContaining('0.40'),
    });
    expect(await used(world)).toEqual([400_000]);
  });

  test('that runs over its estimate stops what the day has no room for', async () => {
    const world = await governed({ policy: { maxCostPerDay: '1.00', costEstimate: '0.50' } });
    await world.event();
    await world.event();
    const agent = world.agent();
    await agent.claim();
    const cost = { kind: 'cost', tokensIn: null, tokensOut: null, model: '' };
    await agent.say({ ...cost, seq: 1, key: 'a', micro: 500_000 });
    expect((await agent.renew()).cancel).toBe(false);
    await agent.say({ ...cost, seq: 2, key: 'b', micro: 1 });
    expect((await agent.renew()).cancel).toBe(true);
  });

  test('that is kept back for a run that is lost is given back', async () => {
    const world = await governed({ policy });
    await world.event();
    await world.agent().claim();
    world.clock.advance(10 * 60_000);
    await sweep(world.parts);
    expect(await used(world)).toEqual([0]);
  });

  test('of unknown price is refused where a limit is set', async () => {
    const world = await governed({});
    await setPolicy(world.parts, { caller, value: { maxCostPerDay: 1 } });
    await world.event();
    expect(await world.told()).toEqual(['skipped cost_unknown']);
  });
});

describe('other gates', () => {
  test('refuse what is outside of the hours, and force passes over them', async () => {
    const world = await governed({ policy: { allowedHours: { windows: ['mon-fri 10:00-11:00'] } } });
    await world.event();
    expect((await world.fire({ isForced: true })).task).not.toBeNull();
    world.clock.advance(2 * 60_000);
    await world.event();
    expect(await world.told()).toEqual(['skipped outside_hours', 'run asked', 'run event']);
  });

  test('count the tasks that wait or run', async () => {
    const world = await governed({ policy: { maxConcurrent: 2 } });
    for (let n = 0; n < 3; n++) await world.event();
    await world.end(true);
    await world.event();
    expect(await world.told()).toEqual(['run event', 'run event', 'skipped concurrency', 'run event']);
  });

  test('look at the repository and at what runs the task', async () => {
    const repository = { url: 'https://git.example.com/evil/app.git' };
    const own = { session: 'own', repository };
    const world = await governed({
      ...own,
      policy: { allowedRepositories: ['https://git.example.com/team/*'] },
    });
    await world.event();
    await world.apply({ policy: { allowedExecutors: ['docker'] } });
    await world.event();
    expect(await world.told()).toEqual(['skipped repository_refused', 'skipped executor_refused']);
  });

  test('tell the overlap among the checks, with the task that stands in the way', async () => {
    const world = await governed({ overlap: 'skip', policy: { maxRunsPerDay: 9 } });
    const { task } = await world.event();
    await world.event();
    const [, second] = await world.rows();
    expect(second).toMatchObject({ reason: 'overlap_skipped', details: { taskId: task?.id } });
    expect(checksOf(second!).map(({ name, passed }) => [name, passed])).toEqual([
      ['overlap', false],
      ['runs_per_day', true],
    ]);
  });
});

describe('shadow mode', () => {
  test('puts everything on record, starts nothing and uses up nothing; live fires only what comes later', async () => {
    const cron = { type: 'cron', expression: '* * * * *' };
    const policy = { mode: 'shadow', maxRunsPerDay: 1 };
    const world = await governed({ policy, triggers: [cron] });
    for (const at of ['09:59:00', '10:00:00', '10:01:00']) await world.go(`2026-01-01T${at}Z`);
    expect(await world.told()).toEqual(Array(3).fill('skipped shadow'));
    expect(checksOf((await world.rows())[2]!)).toMatchObject([
      { name: 'runs_per_day', passed: true, value: 0 },
    ]);
    expect(await world.store.countTasks({})).toBe(0);
    await world.apply({ policy: { maxRunsPerDay: 1 }, triggers: [cron] });
    for (const at of ['10:01:30', '10:02:00', '10:03:00']) await world.go(`2026-01-01T${at}Z`);
    expect((await world.told()).slice(3)).toEqual(['run due', 'skipped run_limit']);
  });
});

describe('when what policies count cannot be read', () => {
  const broken = async (policy: object) => {
    const world = await governed({ policy });
    const { store } = world.parts;
    const faulty = new Proxy(store, {
      get: (target, name) => {
        if (name !== 'transact') return Reflect.get(target, name);
        return (work: (tx: object) => unknown) =>
          store.transact(async (tx) =>
            work({ ...tx, workflowHistory: () => Promise.reject(new SyntaxError('no JSON')) }),
          );
      },
    });
    return { ...world, parts: { ...world.parts, store: faulty } };
  };
  const fire = async ({ parts, triggerId }: Awaited<ReturnType<typeof broken>>) => {
    const { fireEvent } = await import('../../../internal/session/fire-event.ts');
    return fireEvent(parts, { triggerId, source: 'webhook', key: 'k', kind: '', data: {} });
  };

  test('nothing runs and nothing is on record, so that it is tried again', async () => {
    const world = await broken({ cooldown: '1m', maxRunsPerDay: 5 });
    await expect(fire(world)).rejects.toMatchObject(coded('GOVERNANCE_UNAVAILABLE'));
    expect(await world.rows()).toEqual([]);
  });

  test('a cooldown that may be open lets pass, and says so', async () => {
    const { occurrence, task } = await fire(await broken({ cooldown: '1m', failMode: 'open' }));
    expect(task).not.toBeNull();
    expect(checksOf(occurrence)).toMatchObject([{ passed: true, reason: 'governance_unavailable' }]);
  });

  test('failMode: open opens no limit of runs', async () => {
    const world = await broken({ cooldown: '1m', failMode: 'open', maxRunsPerDay: 5 });
    await expect(fire(world)).rejects.toMatchObject(coded('GOVERNANCE_UNAVAILABLE'));
  });
});
