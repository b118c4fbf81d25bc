import { DatabaseSync } from 'node:sqlite';
import { describe, expect, type TestContext, test } from 'vitest';
import { freePort, makePlace, type Place, pause, type RunningServer, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import {
  type Ask,
  applyFiring,
  checkRecord,
  decided,
  deliverOnce,
  expectedInstants,
  type FiringPlan,
  firingEnv,
  sendAll,
} from './lab/firing.ts';
import { faultyExecutable } from './lab/lab.ts';
import { serverOn, sharedToken } from './lab/on-postgres.ts';
import { chance, isFull, seed, tally } from './lab/rounds.ts';

const everyTwoSeconds = { type: 'interval', every: '2s', anchor: '2026-01-01T00:00:00Z' };

/** J. Servers are killed and paused while triggers fall due and deliveries come. */
const mixed: FiringPlan = isFull
  ? {
      ...{ timed: 1000, gridMs: 60_000, deliveries: 10_000, overMs: 240_000 },
      trigger: { type: 'cron', expression: '* * * * *' },
    }
  : {
      ...{ timed: 40, gridMs: 2_000, deliveries: 200, overMs: 5_000 },
      trigger: everyTwoSeconds,
    };

/** With `npm run faults`: triggers of seconds on four servers, of which it is told how late they fire. */
const often: FiringPlan = {
  ...{ timed: 300, gridMs: 2_000, deliveries: 600, overMs: 60_000 },
  trigger: everyTwoSeconds,
};

function openPlace(onTestFinished: TestContext['onTestFinished'], name: string): Place {
  const place = makePlace(name, faultyExecutable);
  onTestFinished(() => place.close());
  return place;
}

/** One of several servers, which dies and comes again on its port. */
interface Victim {
  running: RunningServer | null;
  readonly start: () => Promise<RunningServer>;
}

/** How often it is looked whether everything is decided; ms. */
const lookEveryMs = isFull ? 2_000 : 100;

/** A busy machine takes seconds to start a server: the selection has enough after so many faults. */
const maxFaults = isFull ? Number.POSITIVE_INFINITY : 5;

/** A machine that is busy with other tests may be too slow for one start: there is another. */
function startedAtLast(start: Victim['start']): Promise<RunningServer> {
  return start().catch(() => start());
}

/** Kills, and pauses, one after another at random until it is told to stop; in the end all are there. */
function harass(victims: readonly Victim[], random: () => number) {
  const counts = { kills: 0, stops: 0, pauses: 0, longestStopMs: 0 };
  const sum = () => counts.kills + counts.stops + counts.pauses;
  let isOver = false;
  const work = async () => {
    while (!isOver && sum() < maxFaults) {
      await pause(isFull ? 2_000 + random() * 8_000 : 200 + random() * 1_200);
      const victim = victims[Math.floor(random() * victims.length)];
      if (!victim?.running) continue;
      if (random() < 0.5) {
        const { child } = victim.running;
        child.kill('SIGSTOP');
        counts.pauses += 1;
        await pause(random() * (isFull ? 8_000 : 1_500));
        child.kill('SIGCONT');
      } else {
        const { running } = victim;
        victim.running = null;
        // now and then it is asked to end, which it does soon, and no less is there afterwards
        const isAsked = random() < 0.3;
        const before = performance.now();
        await running.stop(isAsked ? 'SIGTERM' : 'SIGKILL');
        counts.longestStopMs = Math.max(counts.longestStopMs, isAsked ? performance.now() - before : 0);
        counts[isAsked ? 'stops' : 'kills'] += 1;
        await pause(random() * 1_000);
        victim.running = await startedAtLast(victim.start);
      }
    }
  };
  const ended = work();
  // told by stop
  ended.catch(() => {});
  return {
    counts,
    sum,
    stop: async () => {
      isOver = true;
      await ended;
    },
  };
}

/** Fires everything under trouble, and waits until all of it is decided. @returns what to write into the report */
async function fireUnderTrouble(
  place: Place,
  victims: readonly Victim[],
  { ask, plan }: { readonly ask: Ask; readonly plan: FiringPlan },
): Promise<string> {
  const random = chance(seed);
  await applyFiring(place, plan);
  const trouble = harass(victims, random);
  const urlOfAny = () => {
    const up = victims.flatMap(({ running }) => (running ? [running.url] : []));
    return up[Math.floor(random() * up.length)] ?? 'http://127.0.0.1:9';
  };
  const { answers, tries } = await sendAll({ plan, random, url: urlOfAny }).finally(trouble.stop);
  const now = Date.now();
  const expected = expectedInstants(ask, plan, now);
  await until(
    'every instant is decided',
    async () => {
      if (decided(ask, now) >= expected) return true;
      // who counts all the time takes from the servers what they need
      await pause(lookEveryMs);
      return false;
    },
    // on a busy machine more falls due in full rounds than is decided while servers come and go
    isFull ? 900_000 : 60_000,
  );
  // sent once more, each is known, to every server
  for (const [n, [id, first]] of [...answers].entries()) {
    if (n % 20 !== 0) continue;
    const again = await deliverOnce(victims[n % victims.length]?.running?.url ?? '', id);
    expect({ id, again }).toMatchObject({ id, again: { httpStatus: 200, taskId: first.taskId } });
  }
  // nothing changes while it is counted
  await Promise.all(victims.map(({ running }) => running?.stop('SIGTERM')));
  const { instants, tasks } = checkRecord(ask, { plan, until: now, answers });
  const { kills, stops, pauses, longestStopMs } = trouble.counts;
  // no more than that, though requests are under way
  expect(longestStopMs).toBeLessThan(isFull ? 20_000 : 30_000);
  // there was trouble
  expect(trouble.sum()).toBeGreaterThan(2);
  const delays =
    "SELECT decided_at - effective_at FROM occurrences WHERE source IN ('cron', 'interval') ORDER BY 1";
  const late = ask(delays).map(([ms]) => Number(ms));
  const [p50, p99] = [0.5, 0.99].map((share) => late[Math.floor(share * late.length)]);
  const fired = `${instants} instants of ${plan.timed} triggers, ${answers.size} deliveries in ${tries} tries`;
  return `${fired}, ${tasks} tasks; ${kills} kills, ${stops} stops (at most ${Math.round(longestStopMs)} ms), ${pauses} pauses; fired p50 ${p50} ms and p99 ${p99} ms after their time`;
}

/** Servers on one database. */
async function fireOnPostgres(
  onTestFinished: TestContext['onTestFinished'],
  { row, count, plan }: { readonly row: string; readonly count: number; readonly plan: FiringPlan },
): Promise<void> {
  const cluster = await Cluster.start();
  onTestFinished(() => cluster.remove());
  const place = openPlace(onTestFinished, 'firing-shared');
  const ask: Ask = (sql) =>
    cluster
      .sql(`SET search_path = keruta; ${sql}`)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('|'));
  const victims: Victim[] = [];
  for (let n = 0; n < count; n++) {
    const port = await freePort();
    const start = () => serverOn(place, cluster.url(), firingEnv, port);
    victims.push({ running: await start(), start });
  }
  const note = await fireUnderTrouble(place, victims, { ask, plan });
  tally({ row, rounds: 1, note });
}

describe.concurrent('triggers and deliveries under trouble', () => {
  test.skipIf(findPrograms() === null)(
    `J-01: two servers on one PostgreSQL are killed and paused while triggers fall due and deliveries come: each instant and each delivery is on record once, with one task (needs the server programs of PostgreSQL, and root; seed ${seed})`,
    ({ onTestFinished }) => fireOnPostgres(onTestFinished, { row: 'J-01', count: 2, plan: mixed }),
  );

  test(`J-02: the server of an embedded store is killed and paused while triggers fall due and deliveries come: each instant and each delivery is on record once, with one task (seed ${seed})`, async ({
    onTestFinished,
  }) => {
    const place = openPlace(onTestFinished, 'firing-embedded');
    const port = await freePort();
    const env = { ...place.env, KERUTA_ADMIN_TOKEN: sharedToken, ...firingEnv };
    const start = () => place.server([], { env, token: sharedToken, port });
    const victim: Victim = { running: await start(), start };
    const ask: Ask = (sql) => {
      const database = new DatabaseSync(place.path('server/keruta.db'), { readOnly: true });
      try {
        const rows = database.prepare(sql).all();
        return rows.map((row) => Object.values(row).map((value) => String(value ?? '')));
      } finally {
        database.close();
      }
    };
    const note = await fireUnderTrouble(place, [victim], { ask, plan: mixed });
    tally({ row: 'J-02', rounds: 1, note });
  });
});

if (isFull && findPrograms() !== null)
  test(`J-03: of four servers on one PostgreSQL, which are killed and paused, none leaves out or doubles a fire of 300 triggers that fall due every other second (seed ${seed})`, ({
    onTestFinished,
  }) => fireOnPostgres(onTestFinished, { row: 'J-03', count: 4, plan: often }));
