import { describe, test } from 'vitest';
import { freePort } from '../fixtures/free-port.ts';
import { findPrograms } from './lab/cluster.ts';
import { fireOnPostgres, fireUnderTrouble, openPlace, type Victim } from './lab/fire-under-trouble.ts';
import { askEmbedded, everySeconds, type FiringPlan, firingEnv } from './lab/firing.ts';
import { sharedToken } from './lab/on-postgres.ts';
import { isFull, seed, tally } from './lab/rounds.ts';

/** J. Servers are killed and paused while triggers fall due and deliveries come. */
const mixed: FiringPlan = isFull
  ? {
      ...{
        timed: 1000,
        gridsMs: [60_000],
        deliveries: 10_000,
        overMs: 240_000,
        isPaused: true,
        leastFaults: 3,
      },
      trigger: () => ({ type: 'cron', expression: '* * * * *' }),
    }
  : {
      ...{ timed: 40, gridsMs: [2_000], deliveries: 200, overMs: 5_000, isPaused: true, leastFaults: 3 },
      trigger: everySeconds,
    };

describe.concurrent('triggers and deliveries under trouble', () => {
  test.skipIf(findPrograms() === null)(
    `J-01, F-75, F-76: two servers on one PostgreSQL are killed and paused while triggers fall due and deliveries come: each instant and each delivery is on record once, with one task (needs the server programs of PostgreSQL, and root; seed ${seed})`,
    async ({ onTestFinished }) => {
      await fireOnPostgres(onTestFinished, { row: 'J-01', count: 2, plan: mixed });
    },
  );

  test(`J-02: the server of an embedded store is killed and paused while triggers fall due and deliveries come: each instant and each delivery is on record once, with one task (seed ${seed})`, async ({
    onTestFinished,
  }) => {
    const place = openPlace(onTestFinished, 'firing-embedded');
    const port = await freePort();
    const env = { ...place.env, KERUTA_ADMIN_TOKEN: sharedToken, ...firingEnv };
    const start = () => place.server([], { env, token: sharedToken, port });
    const victim: Victim = { running: await start(), start };
    const ask = askEmbedded(place);
    const { note } = await fireUnderTrouble(place, [victim], { ask, plan: mixed });
    tally({ row: 'J-02', rounds: 1, note });
  });
});
