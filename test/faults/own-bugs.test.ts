import { resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makePlace, type Started } from '../e2e/place.ts';
import { tally } from './lab/rounds.ts';

/** What keruta does about a fault of its own: by a build that can be told to have one. */
const place = makePlace('own-bugs', resolve(import.meta.dirname, '../../dist/keruta-faults'));
afterAll(() => place.close());

/** The lines of a log that are faults of keruta itself. */
const faultsIn = (log: string) =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map(
      (line) =>
        JSON.parse(line) as { readonly level: string; readonly msg: string; readonly error?: unknown },
    )
    .filter(({ msg }) => msg === 'a fault in keruta itself');

const withFault = (failpoint: string) => ({
  env: { ...place.env, KERUTA_FAILPOINT: failpoint, KERUTA_LOG_FORMAT: 'json' },
});

async function expectBug(program: Pick<Started, 'ended' | 'stderr'>, failpoint: string): Promise<void> {
  expect(await program.ended).toMatchObject({ status: 70, signal: null });
  expect(faultsIn(program.stderr())).toMatchObject([
    { level: 'ERROR', error: { message: `failpoint ${failpoint}` } },
  ]);
}

test('S-63: an agent with a fault of its own logs it once and ends with 70; the next one finishes the task', async () => {
  await place.server();
  const session = await place.session('of the agent');
  const base = ['--base-dir', place.path('base')];
  const broken = await place.daemon(session, base, withFault('after_claim:throw'));
  const task = await place.submit(session, 'echo done');
  await expectBug(broken, 'after_claim');
  const next = await place.daemon(session, base);
  expect(await place.when(task, ({ status }) => status === 'COMPLETED', 60_000)).toMatchObject({
    exitCode: 0,
  });
  await next.stop();
  tally({ row: 'S-63', rounds: 1 });
});
