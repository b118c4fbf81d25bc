import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { useUpHere } from './up-in-home.ts';

/** Server and agents in this process, with fewer agents than sessions. */
const place = useUpHere({ KERUTA_MAX_WORKERS: '2' });

const k = (...argv: readonly string[]) => place.keruta(argv);

async function apply(name: string): Promise<void> {
  const file = join(place.home, `${name}.yaml`);
  writeFileSync(file, `name: ${name}\nrun: 'true'\ntriggers:\n  - type: manual\n`);
  expect(await k('apply', '-f', file)).toMatchObject({ status: 0 });
}

async function fire(name: string): Promise<string> {
  const { out, err, status } = await k('trigger', 'fire', name);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return out.trim();
}

async function completed(id: string): Promise<void> {
  for (;;) {
    const { out } = await k('task', 'show', id, '--json');
    const { status } = JSON.parse(out) as { status: string };
    if (status === 'COMPLETED') return;
    await systemClock.sleep(50);
  }
}

test('a third session gets an agent when the two that there may be have nothing to do', async () => {
  // they came when there was room for all
  for (const name of ['one', 'two']) await apply(name);
  for (const name of ['one', 'two']) await completed(await fire(name));
  for (const name of ['three', 'four']) await apply(name);
  const [third, fourth] = [await fire('three'), await fire('four')];
  await completed(third);
  await completed(fourth);
  // and back again
  await completed(await fire('one'));
}, 120_000);

test('daemon status tells the jobs of all workflows, and what failed in their sessions', async () => {
  const file = join(place.home, 'timed.yaml');
  writeFileSync(
    file,
    'name: timed\nrun: exit 3\ntriggers:\n  - type: cron\n    expression: "@yearly"\n  - type: manual\n',
  );
  expect(await k('apply', '-f', file)).toMatchObject({ status: 0 });
  const id = await fire('timed');
  for (let out = ''; !out.includes('FAILED'); ) {
    await systemClock.sleep(50);
    ({ out } = await k('task', 'show', id));
  }
  const { status, out } = await k('daemon', 'status', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(out).jobs).toMatchObject({
    scheduled: [{ name: 'timed', state: 'awake' }],
    errors: [{ taskId: id, name: 'timed' }],
  });
  const text = (await k('daemon', 'status')).out;
  for (const line of [
    /^pid +\d+$/m,
    /^up +\d/m,
    /^scheduled jobs: 1$/m,
    /^ {2}- timed \(next: \d{4}-01-01T/m,
  ])
    expect(text).toMatch(line);
  expect(text).toContain(`timed (${id}): `);
}, 120_000);

test('daemon stop says of an agent in the foreground how it is ended', async () => {
  const { status, err } = await k('daemon', 'stop');
  expect(status).toBe(4);
  expect(err).toContain(`process ${process.pid} runs one where it was started`);
});
