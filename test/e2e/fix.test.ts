import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { hasEnded, makePlace, type Started, until } from './place.ts';

/** A failing task begets one that may fix it, and the chain ends. */
const place = makePlace('fix');
let session = '';
let daemon: Started;

beforeAll(async () => {
  await place.server();
  session = await place.session('fix');
  daemon = await place.daemon(session);
});
afterAll(() => place.close());

/** The task and its fixes, oldest first, when none of the session is under way any more. */
async function chainOf(id: string): Promise<TaskWire[]> {
  const all = () => place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
  // what follows from an end is there once that is final
  const isOver = ({ status, logComplete }: TaskWire) => hasEnded(status) && logComplete;
  await until('the session is quiet', async () => (await all()).every(isOver));
  const tasks = await all();
  const chain = tasks.filter((task) => task.id === id);
  for (const task of tasks) if (chain.some((each) => each.id === task.parentTaskId)) chain.push(task);
  return chain;
}

const bundleOf = (task: TaskWire) =>
  task.parameters.autoFix as {
    originalTaskId: string;
    errorMessage: string;
    bundle: Record<string, unknown>;
  };

test('a fix task gets the failure bundle, and its success ends the chain', async () => {
  const script = `if [ -n "$KERUTA_PARAM_AUTOFIX" ]; then echo fixed; exit 0; fi
echo "about to break" >&2
cat /does/not/exist
exit 3`;
  const id = await place.submit(session, script, { name: 'broken', autoFix: true });
  const [origin, fix, ...more] = await chainOf(id);
  expect(more).toEqual([]);
  expect(origin).toMatchObject({ status: 'FAILED', exitCode: 3 });
  expect(fix).toMatchObject({
    name: '【自動修正】broken',
    status: 'COMPLETED',
    fixCount: 1,
    parentTaskId: id,
  });
  const { originalTaskId, bundle } = bundleOf(fix!);
  expect(originalTaskId).toBe(id);
  expect(bundle).toMatchObject({ exitCode: 3 });
  expect(JSON.stringify(bundle)).toContain('about to break');
});

test('a chain stops when a fix fails as its origin did', async () => {
  const id = await place.submit(session, 'echo "the same each time: $$" >&2; exit 4', { autoFix: true });
  expect((await chainOf(id)).map(({ fixCount, status }) => [fixCount, status])).toEqual([
    [0, 'FAILED'],
    [1, 'FAILED'],
  ]);
});

test('a chain of different failures stops after three fixes', async () => {
  const count = place.path('count');
  const script = `echo x >> ${count}
case $(wc -l < ${count}) in 1) echo apple ;; 2) echo banana ;; 3) echo cherry ;; 4) echo date ;; *) echo elder ;; esac >&2
exit 5`;
  const id = await place.submit(session, script, { name: 'fruit', autoFix: true });
  const chain = await chainOf(id);
  expect(chain.map(({ fixCount, status }) => [fixCount, status])).toEqual([
    [0, 'FAILED'],
    [1, 'FAILED'],
    [2, 'FAILED'],
    [3, 'FAILED'],
  ]);
  expect(chain.map(({ name }) => name).slice(1)).toEqual(Array(3).fill('【自動修正】fruit'));
});

test.each([
  ['a task that was cancelled', 'sleep 30', true],
  ['a task that does not wish it', 'exit 6', false],
])('%s begets no fix', async (_what, script, cancel) => {
  const id = await place.submit(session, script, { autoFix: cancel });
  if (cancel) {
    await place.when(id, ({ status }) => status === 'PROCESSING');
    await place.keruta(['task', 'cancel', id]);
  }
  expect(await chainOf(id)).toHaveLength(1);
});

test('where the task leaves it open, the script decides, then the agent', async () => {
  const open = { autoFix: null };
  const fixed = '[ -n "$KERUTA_PARAM_AUTOFIX" ] || ';
  const never = await place.submit(session, 'keruta fail --message no --no-auto-fix', open);
  expect(await chainOf(never)).toHaveLength(1);
  const byAgent = await place.submit(session, `${fixed}exit 1`, open);
  expect(await chainOf(byAgent)).toHaveLength(2);

  await daemon.stop();
  daemon = await place.daemon(session, [], { env: { ...place.env, KERUTA_AUTO_FIX_ENABLED: 'false' } });
  const notByAgent = await place.submit(session, `${fixed}exit 1`, open);
  expect(await chainOf(notByAgent)).toHaveLength(1);
  const wished = await place.submit(session, `${fixed}keruta fail --message yes --auto-fix`, open);
  expect(await chainOf(wished)).toHaveLength(2);
});

test('a fix runs the command that is set for it, and finds the bundle in its parameters', async () => {
  await daemon.stop();
  const command = `grep -o '"exitCode": *[0-9]*' "$KERUTA_PARAMETERS_FILE" | head -1`;
  daemon = await place.daemon(session, ['--auto-fix-command', command]);
  const id = await place.submit(session, 'exit 77', { autoFix: true });
  const [, fix] = await chainOf(id);
  expect(fix).toMatchObject({ status: 'COMPLETED', script: command });
  expect((await place.logs(fix!.id)).replaceAll(' ', '')).toBe('"exitCode":77\n');
});
