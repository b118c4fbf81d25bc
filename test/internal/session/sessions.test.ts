import { describe, expect, test } from 'vitest';
import { createSession } from '../../../internal/session/create-session.ts';
import { deleteSession, replaceSession, setSessionStatus } from '../../../internal/session/edit-session.ts';
import { deleteTask, editTask } from '../../../internal/session/edit-task.ts';
import { listTasks } from '../../../internal/session/list-tasks.ts';
import { systemCaller } from '../../../internal/session/parts.ts';
import { listSessionLogs, recentSessionLogs } from '../../../internal/session/session-log.ts';
import { toSessionWire } from '../../../internal/session/wire.ts';
import { makePlainWorld, type PlainWorld } from './plain-world.ts';

const all = { filter: {}, page: { limit: 100, offset: 0 } };
const actions = async ({ parts, sessionId }: PlainWorld) =>
  (await listSessionLogs(parts, { caller: systemCaller, sessionId }, all))
    .map((log) => log.action)
    .toReversed();

describe('a session', () => {
  test('is told as made after its first log line', async () => {
    const world = await makePlainWorld();
    expect(await world.events()).toEqual(['session_log_created', 'session_created']);
    expect(await actions(world)).toEqual(['session_created']);
  });

  test('changes in its own log, and to those who watch', async () => {
    const world = await makePlainWorld();
    const { parts, sessionId } = world;
    const ref = { caller: systemCaller, sessionId };
    await replaceSession(parts, ref, { name: 'renamed', templateConfig: { templateId: 't1' } });
    await setSessionStatus(parts, ref, 'inactive');
    await setSessionStatus(parts, ref, 'INACTIVE');
    expect(await actions(world)).toEqual([
      'session_created',
      'session_updated',
      'template_config_changed',
      'status_changed',
    ]);
    const events = await world.events();
    expect(events.filter((type) => type !== 'session_log_created')).toEqual([
      'session_created',
      'session_template_changed',
      'session_metadata_update',
    ]);
    expect(await recentSessionLogs(parts, systemCaller, all)).toHaveLength(4);
  });

  test('that is removed takes its tasks and their bytes with it, and is told as removed', async () => {
    const { parts, sessionId, submit, events } = await makePlainWorld();
    const task = await submit();
    await parts.blob.append(`${task.id}/1/stdout`, 0, Buffer.from('hello'));
    await deleteSession(parts, { caller: systemCaller, sessionId });
    expect(await parts.store.task(task.id)).toBeNull();
    expect(await parts.blob.size(`${task.id}/1/stdout`)).toBe(0);
    expect(await events()).toEqual(['session_deleted']);
  });

  test('takes its repository from its template when it names none, and shows both', async () => {
    const { parts } = await makePlainWorld();
    const templateConfig = { repositoryUrl: 'https://example.org/t.git', repositoryRef: 'dev' };
    const session = await createSession(parts, systemCaller, { name: 'templated', templateConfig });
    expect(toSessionWire(session)).toMatchObject({
      repositoryUrl: 'https://example.org/t.git',
      repositoryRef: 'dev',
      templateConfig: { templatePath: '.', preferredKeywords: [], parameters: {}, ...templateConfig },
    });
  });

  test.each(['--upload-pack=x', 'ext::sh -c id', 'https://x/\n', 'x'.repeat(3_000)])(
    'refuses the repository %j',
    async (repositoryUrl) => {
      const { parts } = await makePlainWorld();
      const made = createSession(parts, systemCaller, { name: 'bad', repositoryUrl });
      await expect(made).rejects.toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_REFUSED' });
    },
  );

  test.each(['-x', 'a..b', 'a b', 'a~1'])('refuses the ref %j', async (repositoryRef) => {
    const { parts } = await makePlainWorld();
    const made = createSession(parts, systemCaller, { name: 'bad', repositoryRef });
    await expect(made).rejects.toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_REFUSED' });
  });
});

describe('a task', () => {
  test('keeps what an edit leaves out', async () => {
    const { parts, submit } = await makePlainWorld();
    const task = await submit({ description: 'd' });
    const edited = await editTask(parts, { caller: systemCaller, taskId: task.id }, { name: 'other' });
    expect(edited).toMatchObject({ name: 'other', description: 'd', script: 'echo hi' });
  });

  test('that an agent runs is not removed before it is cancelled; one that is gone is no error', async () => {
    const { parts, submit, lease } = await makePlainWorld();
    const task = await lease(await submit());
    const ref = { caller: systemCaller, taskId: task.id };
    await expect(deleteTask(parts, ref)).rejects.toMatchObject({ code: 'KERUTA_ERR_TRANSITION' });
    await parts.store.transact((tx) => tx.putTask({ ...task, status: 'FAILED' }));
    await deleteTask(parts, ref);
    await deleteTask(parts, ref);
    expect(await parts.store.task(task.id)).toBeNull();
  });

  test('is listed by part of its name, and by page', async () => {
    const { parts, submit } = await makePlainWorld();
    for (const name of ['Alpha one', 'beta', 'alpha two']) await submit({ name });
    const names = async (query: Parameters<typeof listTasks>[2]['query']) =>
      (await listTasks(parts, systemCaller, { query, order: 'queue' })).map((task) => task.name).sort();
    expect(await names({ name: 'ALPHA' })).toEqual(['Alpha one', 'alpha two']);
    expect(await names({ page: { limit: 2, offset: 0 } })).toHaveLength(2);
    expect(await names({ name: 'alpha', page: { limit: 5, offset: 1 } })).toHaveLength(1);
  });
});
