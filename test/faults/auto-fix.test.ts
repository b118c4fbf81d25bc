import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { hasEnded, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';

/** H. What fires by itself, as far as it is there: fix tasks. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('auto-fix');
});
afterAll(() => lab.close());

test('F-91: a task that fails for ever, each time in another way, has three descendants and no more', async () => {
  const session = await lab.place.session('f91');
  const agent = await lab.agent(session, { env: { KERUTA_AUTO_FIX_ENABLED: 'true' } });
  const counter = lab.place.path('f91-count');
  const script = `echo x >> '${counter}'; n=$(wc -l < '${counter}'); echo "failure number $n of $RANDOM" >&2; exit $((n + 10))`;
  const id = await lab.submit(session, script, { autoFix: true });
  const family = () => lab.place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
  await until('all have ended', async () => {
    const tasks = await family();
    return tasks.length >= 4 && tasks.every(({ status }) => hasEnded(status));
  });
  // one more task behind them: when it has run, nothing else was begotten
  const last = await lab.submit(session, 'true');
  await lab.place.ended(last);
  const tasks = (await family()).filter((task) => task.id !== last);
  expect(tasks).toHaveLength(4);
  expect(tasks.filter((task) => task.id !== id).every(({ status }) => status === 'FAILED')).toBe(true);
  await agent.stop('SIGKILL');
  tally({ row: 'F-91', rounds: 1, note: `${tasks.length - 1} descendants` });
});
