import { describe, expect, test } from 'vitest';
import { approve } from '../../../../internal/session/approve.ts';
import { cancelTask } from '../../../../internal/session/cancel.ts';
import { answerInput, requestInput } from '../../../../internal/session/input.ts';
import { tellDisk } from '../../../../internal/session/notify/tell-disk.ts';
import { resetBreaker } from '../../../../internal/session/reset-breaker.ts';
import { sweep } from '../../../../internal/session/sweep.ts';
import { caller, sessionId } from '../claims-world.ts';
import { told } from './told-world.ts';

const runs = async ({ run }: Awaited<ReturnType<typeof told>>, ends: string) => {
  for (const end of ends) await run(end === 'S');
};

describe('R4: ends of runs', () => {
  test('are told at the first, third and fifth failure in a row, then at the tenth, and when it is over', async () => {
    const world = await told();
    await runs(world, 'SFFFFFFFFFFS');
    expect(await world.news()).toEqual([...Array.from({ length: 4 }, () => 'ops failure'), 'ops recovery']);
    const messages = (await world.notifications()).toReversed().map(({ message }) => message.subject);
    expect(messages).toEqual([
      'Workflow w failed',
      ...[3, 5, 10].map((n) => `Workflow w failed, ${n} times in a row`),
      'Workflow w succeeded again, after 10 failures',
    ]);
    await runs(world, 'SSF');
    expect((await world.news()).slice(5)).toEqual(['ops failure']);
  });

  test('are told as the workflow says: other numbers, other words, other channels', async () => {
    const notify = [
      {
        to: 'mail',
        on: 'failure',
        failures: [2],
        subject: '[{workflow}] {failures}',
        text: '{url}\n{message}',
      },
      { to: ['ops', 'mail'], on: ['recovery', 'failure'], failures: [2] },
    ];
    const world = await told({ notify });
    await runs(world, 'FS');
    expect(await world.news()).toEqual([]);
    await runs(world, 'FFS');
    expect((await world.news()).toSorted()).toEqual([
      'mail failure',
      'mail recovery',
      'ops failure',
      'ops recovery',
    ]);
    const mail = (await world.notifications()).find(
      ({ channel, event }) => channel === 'mail' && event === 'failure',
    );
    expect(mail?.message.subject).toBe('[w] 2');
    expect(mail?.message.text).toMatch(/^https:\/\/keruta\.example\.com\/api\/v1\/tasks\/[0-9a-f-]{36}\n/);
  });

  test('are told to nobody when the workflow says so, or when the server has no channel', async () => {
    const silent = await told({ notify: [] });
    await runs(silent, 'FS');
    expect(await silent.news()).toEqual([]);
    const bare = await told({}, { to: [] });
    await runs(bare, 'FS');
    expect(await bare.news()).toEqual([]);
  });

  test('count once for a task that is tried again, and say that its retries are used up to who asks for it', async () => {
    const retry = { maxAttempts: 2, backoff: 'fixed', delay: 0 };
    const usual = await told({ retry });
    await usual.event();
    await usual.end(false);
    expect(await usual.news()).toEqual([]);
    await usual.end(false);
    expect(await usual.news()).toEqual(['ops failure']);
    const both = await told({ retry, notify: [{ on: ['failure', 'retries_exhausted'] }] });
    for (let n = 0; n < 2; n++) {
      await both.event();
      await both.end(false);
      await both.end(false);
    }
    // the first is told as a failure, once
    expect(await both.news()).toEqual(['ops failure', 'ops retries_exhausted']);
  });

  test('that somebody cancelled say nothing', async () => {
    const world = await told();
    await runs(world, 'FF');
    const { task } = await world.event();
    await cancelTask(world.parts, { caller, taskId: task?.id ?? '' });
    expect(await world.news()).toEqual(['ops failure']);
    await runs(world, 'F');
    expect(await world.news()).toEqual(['ops failure', 'ops failure']);
  });

  test('are those of the fallback, when there is one', async () => {
    const world = await told({ fallback: 'classic' });
    await world.event();
    await world.end(false);
    expect(await world.news()).toEqual([]);
    await world.end(true);
    expect(await world.news()).toEqual([]);
    await world.event();
    await world.end(false);
    await world.end(false);
    expect(await world.news()).toEqual(['ops failure']);
  });

  test('of hooks and of tasks that nothing fired count for their session', async () => {
    const world = await told({ onError: 'exit 1', notify: [{ to: 'own' }] });
    await world.run(false);
    expect(await world.news()).toEqual(['own failure']);
    await world.end(false);
    await world.addTask();
    await world.end(false);
    await world.addTask();
    await world.end(false);
    expect(await world.news()).toEqual(['own failure', 'ops failure', 'ops failure']);
    const [newest] = await world.notifications();
    expect(newest?.message.subject).toBe('Task build of session demo failed, 3 times in a row');
    await world.addTask();
    await world.end(true);
    expect((await world.news()).at(-1)).toBe('ops recovery');
  });

  test('of tasks that are to mend a failure say nothing: it was told', async () => {
    const world = await told();
    await world.addTask({ fixCount: 1 });
    await world.end(false);
    expect(await world.news()).toEqual([]);
  });

  test('are not told when the transaction that ends the run does not end well', async () => {
    const world = await told();
    await world.event();
    const agent = world.agent();
    await agent.claim();
    const { store } = world;
    const failing = {
      ...world.parts,
      store: {
        ...store,
        transact: (work: Parameters<typeof store.transact>[0]) =>
          store.transact(async (tx) => {
            await work(tx);
            throw new Error('the disk is full');
          }),
      },
    };
    const broken = Object.assign(Object.create(agent), { parts: failing });
    await expect(broken.finish({ exitCode: 1 })).rejects.toThrow('the disk is full');
    expect(await world.news()).toEqual([]);
    await agent.finish({ exitCode: 1 });
    expect(await world.news()).toEqual(['ops failure']);
  });
});

describe('people are told', () => {
  test('that a breaker opened and closed, by its probe or by hand', async () => {
    const breaker = { consecutiveFailures: 2, minRuns: 5, coolOff: '10m' };
    const world = await told({ policy: { breaker }, notify: { on: ['breaker_opened', 'breaker_closed'] } });
    await runs(world, 'FF');
    const [opened] = await world.notifications();
    expect(opened?.message.subject).toBe('The breaker of workflow w opened');
    expect(opened?.message.text).toContain('$ keruta breaker reset w');
    expect(opened?.message.text).toContain('FF');
    world.clock.jump(11 * 60_000);
    await runs(world, 'S');
    expect(await world.news()).toEqual(['ops breaker_opened', 'ops breaker_closed']);
    await runs(world, 'FF');
    world.clock.advance(1000);
    await resetBreaker(world.parts, { caller, workflow: 'w' });
    await resetBreaker(world.parts, { caller, workflow: 'w' });
    expect((await world.news()).slice(2)).toEqual(['ops breaker_opened', 'ops breaker_closed']);
  });

  test('that a run waits for approval, with what to say yes with', async () => {
    const world = await told({ policy: { requireApproval: { role: 'release' } } });
    await world.fire({ parameters: { region: 'eu' } });
    const [asked] = await world.notifications();
    const [approval] = await world.store.approvals({}, { limit: 1, offset: 0 });
    expect(asked).toMatchObject({
      event: 'approval_asked',
      message: { subject: 'Workflow w waits for approval' },
    });
    expect(asked?.message.text).toContain(`$ keruta approval approve ${approval?.id}`);
    expect(asked?.message.text).toContain('parameters {"region":"eu"}');
    expect(asked?.message.text).toContain('by the role release');
    await approve(world.parts, { caller: { ...caller, role: 'release' }, id: approval?.id ?? '' });
    expect(await world.news()).toEqual(['ops approval_asked']);
  });

  test('that a task waits for input, once for each question', async () => {
    const world = await told();
    await world.event();
    const agent = world.agent();
    const claimed = await agent.claim();
    const taskId = claimed?.task.id ?? '';
    const ask = (seq: number, key: string) =>
      agent.say({ kind: 'ask', seq, key, how: 'ask', prompt: 'Which?', choices: ['a', 'b'], secret: false });
    await ask(1, 'one');
    await ask(2, 'one');
    expect(await world.news()).toEqual(['ops input_waiting']);
    const [asked] = await world.notifications();
    expect(asked?.message.text).toContain('Which?\n\none of "a", "b"');
    expect(asked?.message.text).toContain(`$ keruta task input ${taskId}`);
    await requestInput(world.parts, { caller, taskId, prompt: 'And?' });
    await requestInput(world.parts, { caller, taskId, prompt: 'And?' });
    await answerInput(world.parts, { caller, taskId, input: 'a', promptId: null });
    expect(await world.news()).toEqual(['ops input_waiting', 'ops input_waiting']);
  });

  test('that an agent is lost, once for an attempt', async () => {
    const world = await told();
    await world.event();
    const agent = world.agent('agent-7');
    await agent.claim();
    world.clock.advance(120_000);
    await sweep(world.parts);
    await sweep(world.parts);
    expect(await world.news()).toEqual(['ops agent_lost']);
    const [lost] = await world.notifications();
    expect(lost?.message).toMatchObject({
      subject: 'Workflow w lost its agent',
      words: { agent: 'agent-7' },
    });
    // it was alive, and is lost again
    await agent.renew();
    world.clock.advance(120_000);
    await sweep(world.parts);
    expect(await world.news()).toEqual(['ops agent_lost']);
  });

  test('that an agent takes no tasks for want of space, once in an hour', async () => {
    const world = await told();
    const disk = { agentId: 'a', hostname: 'box', state: 'low', freeBytes: 9e6, floorBytes: 5e8 } as const;
    const say = (more: object = {}) =>
      tellDisk(world.parts, { caller, sessionId, disk: { ...disk, ...more } });
    await say({ state: 'ok' });
    await say();
    await say();
    await say({ agentId: 'b', state: 'read_only', freeBytes: null });
    expect(await world.news()).toEqual(['ops disk_low', 'ops disk_low']);
    const texts = (await world.notifications()).map(({ message }) => message.text);
    expect(texts.find((text) => text.includes('agent a'))).toContain(
      'low on box: 9 MB left of at least 500 MB',
    );
    world.clock.jump(3_600_000);
    await say();
    expect(await world.news()).toHaveLength(3);
    await expect(
      tellDisk(world.parts, { caller, sessionId: '99999999-2222-4333-8444-555555555555', disk }),
    ).rejects.toMatchObject({ code: 'KERUTA_ERR_SESSION_NOT_FOUND' });
  });

  test('B8: what would have run in shadow mode, of which nothing runs', async () => {
    const world = await told({ policy: { mode: 'shadow' } });
    await world.event('one');
    await world.event('one');
    expect(await world.news()).toEqual(['ops shadow_fired']);
    expect(await world.told()).toEqual(['skipped shadow']);
    expect(await world.store.countTasks({})).toBe(0);
  });
});
