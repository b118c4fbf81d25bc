import { describe, expect, test } from 'vitest';
import type { FileChange } from '../../../internal/api/watch-shapes.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fileKey, fireFileEvent, watchesOf } from '../../../internal/session/file-events.ts';
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
    overlap: 'allow',
    triggers: [{ type: 'file', path: '~/in', ...trigger }],
  };
  await applyWorkflow(made.parts, { caller, owner: 'api', value });
  const { id } = (await made.store.triggers({ type: 'file' }))[0] as { id: string };
  await fireFileEvent(made.parts, { caller, triggerId: id, changes: [change], omitted: 0 });
  const session = (await made.store.sessionByName('w'))?.id ?? '';
  const fire = (changes: readonly FileChange[], who = caller) =>
    fireFileEvent(made.parts, { caller: who, triggerId: id, changes, omitted: 0 });
  return { ...made, id, session, fire };
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

test('the key of a batch does not depend on the order of its files', () => {
  const other = { ...change, path: '/b' };
  expect(fileKey([change, other])).toBe(fileKey([other, change]));
  expect(fileKey([change])).not.toBe(fileKey([other]));
});
