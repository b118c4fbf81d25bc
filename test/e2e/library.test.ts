import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { makePlace } from './place.ts';

const place = makePlace('library');

beforeAll(async () => {
  await place.server();
});
afterAll(() => place.close());

const file = `
import { schedule } from 'keruta';

export const report = schedule.every({ hours: 1 }, async ({ parameters, source }: { parameters: object; source: string }) => {
  const word: string = "it's";
  return \`\${word} \${source} \${JSON.stringify(parameters)}\`;
});
export const flaky = schedule.cron('@yearly', { retry: { maxAttempts: 2, backoffSeconds: 0 } }, async ({ attempt }) => {
  throw new Error(\`attempt \${attempt}\`);
});
schedule.onError((error, name) => console.log('ALERT', name, error.message));
`;

/** The one executable, without any package beside it, carries what the file needs. */
test('functions of a deployed file are run by the agent as tasks, with their parameters, attempts and alert', async () => {
  const cwd = place.path('project');
  place.file('project/auto.ts', file);
  const deployed = await place.keruta(['deploy', 'auto.ts', '--session', 'auto'], { cwd });
  expect(deployed).toMatchObject({ status: 0, stderr: '' });
  await place.daemon('auto');
  const fired = await place.keruta(['trigger', 'fire', 'auto.report', '--param', 'a=1']);
  const task = await place.whole(fired.stdout.trim(), 30_000);
  expect(task.status).toBe('COMPLETED');
  expect(await place.logs(task.id, 'stdout')).toBe('it\'s manual {"a":"1"}\n');
  const failing = await place.keruta(['trigger', 'fire', 'auto.flaky']);
  const id = failing.stdout.trim();
  const isOver = ({ status, attempt }: { status: string; attempt: number }) =>
    status === 'FAILED' && attempt === 2;
  await place.when(id, (one) => isOver(one) && one.logComplete, 50_000);
  expect(await place.logs(id)).toContain('flaky failed: attempt 2');
  expect(await place.logs(id)).not.toContain('ALERT');
  expect((await place.task(id)).message).toBe('attempt 2');
  // the hook is a task of its own, after the last attempt
  const tasks = await place.api<TaskWire[]>('GET', `/sessions/${task.sessionId}/tasks`);
  const hooks = tasks.filter(({ name }) => name === 'flaky onError');
  expect(hooks).toHaveLength(1);
  const hook = await place.whole(hooks[0]?.id ?? '', 30_000);
  expect(await place.logs(hook.id, 'stdout')).toBe('ALERT flaky attempt 2\n');
});
