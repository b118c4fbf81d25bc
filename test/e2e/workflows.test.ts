import { afterAll, expect, test } from 'vitest';
import { makePlace, until } from './place.ts';

const place = makePlace('workflows');
afterAll(() => place.close());

test('keruta up runs what workflows fire, with an agent for each of their sessions, and leaves nothing behind', async () => {
  const base = ['--base-dir', place.path('base')];
  const up = place.start(place.executable, ['up', '--port', '0', '--agent-port', '0', ...base], {
    timeoutMs: 170_000,
  });
  await until('the agent is ready', () => /the agent is ready/.test(up.stderr()));
  const keruta = (...words: string[]) => place.start(place.executable, [...words, ...base]).ended;
  for (const name of ['one', 'two']) {
    const run = 'echo "$KERUTA_TASK_NAME"; umask';
    place.file(`${name}.yaml`, `name: ${name}\nrun: ${run}\ntriggers:\n  - type: interval\n    every: 1s\n`);
    expect(await keruta('apply', '-f', `${name}.yaml`)).toMatchObject({ status: 0 });
  }
  const completed = async (session: string) => {
    const { stdout } = await keruta('task', 'list', '--session', session, '--json');
    return (JSON.parse(stdout) as { id: string; status: string; logComplete: boolean }[]).filter(
      ({ status, logComplete }) => status === 'COMPLETED' && logComplete,
    );
  };
  await until(
    'both ran twice',
    async () => (await completed('one')).length > 1 && (await completed('two')).length > 1,
    60_000,
  );
  const [first] = await completed('one');
  const mask = (await place.bash('umask')).stdout;
  expect(await keruta('task', 'logs', first?.id ?? '')).toMatchObject({ status: 0, stdout: `one\n${mask}` });
  const { stdout } = await keruta('trigger', 'history', 'one', '--json');
  expect(JSON.parse(stdout).at(-1)).toMatchObject({ source: 'interval', workflow: 'one', decision: 'run' });
  expect(await up.stop()).toMatchObject({ status: 0 });
  // what was made ready for the next run ends when it hears that the agent is gone
  await until('nothing is alive', () => place.processes().length === 0, 5_000);
});
