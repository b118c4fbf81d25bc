import { describe, expect, test } from 'vitest';
import type { FileChange, FileEvent } from '../../../internal/api/watch-shapes.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fileKey, fireFileEvents, watchesOf } from '../../../internal/session/file-events.ts';
import { claimWatches, watcherLeaseMs } from '../../../internal/session/watcher.ts';
import { caller, makeWorld } from './claims-world.ts';

const change: FileChange = {
  kind: 'create',
  path: '/in/$(rm -rf x).pdf',
  size: 3,
  mtimeNs: '1700000000000000001',
  inode: '7',
  sha256: null,
};

async function world(trigger: object = {}) {
  const made = await makeWorld();
  const value = {
    name: 'w',
    run: 'true',
    triggers: [{ type: 'file', path: '~/in', ...trigger }],
  };
  await applyWorkflow(made.parts, { caller, owner: 'api', value });
  const { id } = (await made.store.triggers({ type: 'file' }))[0] as { id: string };
  const fireAll = (events: readonly FileEvent[], who = caller) =>
    fireFileEvents(made.parts, { caller: who, triggerId: id, events });
  const fire = async (changes: readonly FileChange[], who = caller) =>
    (await fireAll([{ changes: [...changes] }], who))[0];
  await fire([change]);
  made.clock.advance(1);
  const session = (await made.store.sessionByName('w'))?.id ?? '';
  return { ...made, id, session, fire, fireAll };
}

describe('a file trigger', () => {
  test('is told to the agent of its session with every default filled in', async () => {
    const { parts, session, id } = await world();
    expect(await watchesOf(parts, { caller, sessionId: session })).toEqual([
      {
        triggerId: id,
        workflow: 'w',
        name: 'file',
        path: '~/in',
        patterns: ['**'],
        ignore: [],
        events: ['create', 'modify', 'rename'],
        settleMs: 2000,
        debounceMs: 500,
        mode: 'perFile',
        onStart: null,
        maxEntries: 50_000,
        ownChanges: 'ignore',
      },
    ]);
  });

  test('fires once for a file in the same state, however often it is told', async () => {
    const { fire } = await world();
    expect(await fire([change])).toMatchObject({ isNew: false });
    expect(await fire([{ ...change, mtimeNs: '1700000000000000002' }])).toMatchObject({ isNew: true });
  });

  test('S-46: gives the path to the task as a parameter, and leaves the script as it is', async () => {
    const { store, session } = await world();
    const [task] = await store.tasks({ sessionId: session }, 'queue');
    expect(task).toMatchObject({
      script: 'true',
      parameters: { file_path: change.path, file_event: 'create' },
    });
  });

  test('is fired by all of many events in their order, also while a task of it waits', async () => {
    const { store, session, fireAll } = await world();
    const events = Array.from({ length: 50 }, (_, n) => ({ changes: [{ ...change, path: `/in/${n}` }] }));
    const fired = await fireAll([...events, ...events.slice(0, 1)]);
    expect(fired.map(({ occurrence }) => occurrence.decision)).toEqual(Array(51).fill('run'));
    expect(new Set(fired.map(({ occurrence }) => occurrence.taskId)).size).toBe(50);
    const queue = await store.tasks({ sessionId: session }, 'queue');
    expect(queue.map(({ parameters }) => parameters.file_path)).toEqual([
      change.path,
      ...events.map(({ changes: [one] }) => one?.path),
    ]);
  });

  test('takes what there is room for, and the rest when it comes again', async () => {
    const { parts, fireAll } = await world();
    const small = { ...parts, maxPendingTasks: 3 };
    const events = ['b', 'c', 'd'].map((name) => ({ changes: [{ ...change, path: `/in/${name}` }] }));
    const { id } = (await parts.store.triggers({ type: 'file' }))[0] as { id: string };
    const hand = () => fireFileEvents(small, { caller, triggerId: id, events });
    expect(await hand()).toHaveLength(2);
    const last = events.slice(2);
    await expect(fireFileEvents(small, { caller, triggerId: id, events: last })).rejects.toMatchObject({
      code: 'KERUTA_ERR_QUEUE_FULL',
    });
    expect((await fireAll(events)).map(({ isNew }) => isNew)).toEqual([false, false, true]);
  });

  test('F7: what its own task changed runs nothing, and is on record with the task and the names', async () => {
    const { fireAll } = await world();
    const own = { changes: [{ ...change, path: '/in/out' }], ownTask: 'task-1' };
    const [fired] = await fireAll([own]);
    expect(fired?.occurrence).toMatchObject({
      ...{ decision: 'skipped', reason: 'filtered', taskId: null, eventId: null },
      details: { filteredBy: 'self_caused', taskId: 'task-1', files: 1, paths: ['/in/out'] },
    });
    expect((await fireAll([own]))[0]?.isNew).toBe(false);
    expect((await fireAll([{ changes: own.changes }]))[0]).toMatchObject({
      isNew: true,
      occurrence: { decision: 'run' },
    });
  });

  test('is not there for the agent of another session', async () => {
    const { fire } = await world();
    const other = { ...caller, sessionId: 'another' };
    await expect(fire([change], other)).rejects.toMatchObject({ code: 'KERUTA_ERR_TRIGGER_NOT_FOUND' });
  });

  test.each([
    [{ path: 'relative' }, 'absolute path'],
    [{ settle: 'soon' }, 'duration'],
    [{ events: ['moved'] }, 'create'],
    [{ mode: 'all' }, 'perFile'],
  ])('with %j is refused, and the message says what was expected', async (trigger, message) => {
    await expect(world(trigger)).rejects.toThrow(message);
  });
});

describe('the agent that watches', () => {
  test('is the one that asked first, as long as it goes on asking', async () => {
    const { parts, session, clock } = await world();
    const ask = async (agentId: string) => {
      const { watches, heldBy } = await claimWatches(parts, { caller, sessionId: session, agentId });
      return heldBy ?? watches.length;
    };
    expect([await ask('a'), await ask('b'), await ask('a')]).toEqual([1, 'a', 1]);
    clock.advance(watcherLeaseMs - 1);
    expect([await ask('b'), await ask('a')]).toEqual(['a', 1]);
    clock.advance(watcherLeaseMs - 1);
    expect(await ask('b')).toBe('a');
    clock.advance(1);
    expect([await ask('b'), await ask('a')]).toEqual([1, 'b']);
  });

  test('of two that ask at once is one', async () => {
    const { parts, session } = await world();
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(
      names.map((agentId) => claimWatches(parts, { caller, sessionId: session, agentId })),
    );
    expect(answers.filter(({ watches }) => watches.length === 1)).toHaveLength(1);
  });
});

test('the key of a batch does not depend on the order of its files', () => {
  const other = { ...change, path: '/b' };
  expect(fileKey([change, other])).toBe(fileKey([other, change]));
  expect(fileKey([change])).not.toBe(fileKey([other]));
});
