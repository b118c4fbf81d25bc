import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { makePlace } from './place.ts';

/** What happens after a task, with a real agent: a wait before the next run, hooks, workflows that follow. */
const place = makePlace('follow');
let session = '';

beforeAll(async () => {
  await place.server();
  session = await place.session('follow');
  await place.daemon(session);
});
afterAll(() => place.close());

const tasks = () => place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
const named = async (name: string) => (await tasks()).find((task) => task.name === name);

test('a task that fails is run again after its wait, not before', async () => {
  const once = place.path('once');
  const script = `date +%s%3N >> ${once}; [ "$(wc -l < ${once})" -ge 2 ]`;
  const retry = { backoff: 'fixed', delaySeconds: 1.5 };
  const id = await place.submit(session, script, { retryCount: 3, retry } as never);
  await place.when(id, ({ status }) => status === 'COMPLETED');
  const attempts = await place.api<{ startedAt: string; finishedAt: string; reason: string }[]>(
    'GET',
    `/tasks/${id}/attempts`,
  );
  expect(attempts.map(({ reason }) => reason)).toEqual(['first', 'retry']);
  const [first, second] = attempts;
  const waitedMs = Date.parse(second?.startedAt ?? '') - Date.parse(first?.finishedAt ?? '');
  // the first end is stamped by the agent, before the server hears of it
  expect(waitedMs).toBeGreaterThanOrEqual(1500);
});

test('a failure runs the hook and the workflow that waits for it, and both learn what happened', async () => {
  const apply = (value: object) => place.api('POST', '/workflows', { session: 'follow', ...value });
  const alert = { name: 'alert', script: 'echo "$KERUTA_PARAM_TASKID: $KERUTA_PARAM_ERROR"' };
  await apply({ name: 'a', run: { name: 'a', script: 'keruta fail --message "no milk"' }, onError: alert });
  const waits = { type: 'task-end', workflow: 'a', on: ['failed'] };
  const run = { name: 'b', script: 'echo "after $KERUTA_PARAM_TASKNAME"' };
  await apply({ name: 'b', run, triggers: [waits] });
  const { taskId } = await place.api<{ taskId: string }>('POST', '/workflows/a/fire', {});
  expect(await place.whole(taskId)).toMatchObject({ status: 'FAILED', message: 'no milk' });
  const [hook, follower] = [await named('alert'), await named('b')];
  expect(await place.whole(hook?.id ?? '')).toMatchObject({ status: 'COMPLETED' });
  expect(await place.whole(follower?.id ?? '')).toMatchObject({ status: 'COMPLETED' });
  const said = await place.logs(hook?.id ?? '');
  expect(said).toContain(`${taskId}: {`);
  expect(said).toContain('"message":"no milk"');
  expect(await place.logs(follower?.id ?? '')).toBe('after a\n');
});
