/** Servers that are killed and paused while triggers fall due and deliveries come. */
import { expect, type TestContext } from 'vitest';
import { makePlace, type Place, pause, type RunningServer, until } from '../../e2e/place.ts';
import { freePort } from '../../fixtures/free-port.ts';
import { Cluster } from './cluster.ts';
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
} from './firing.ts';
import { faultyExecutable } from './lab.ts';
import { serverOn } from './on-postgres.ts';
import { chance, isFull, seed, tally } from './rounds.ts';
import { heldUp } from './starvation.ts';

export function openPlace(onTestFinished: TestContext['onTestFinished'], name: string): Place {
  const place = makePlace(name, faultyExecutable);
  onTestFinished(() => place.close());
  return place;
}

/** One of several servers, which dies and comes again on its port. */
export interface Victim {
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

/** Kills, and pauses where that is wished, one after another at random until it is told to stop; in the end all are there. */
function harass(victims: readonly Victim[], random: () => number, { isPaused, leastFaults }: FiringPlan) {
  const counts = { kills: 0, stops: 0, pauses: 0, longestStopMs: 0 };
  const sum = () => counts.kills + counts.stops + counts.pauses;
  let isOver = false;
  const work = async () => {
    while ((!isOver || sum() < leastFaults) && sum() < maxFaults) {
      await pause(isFull ? 2_000 + random() * 8_000 : 200 + random() * 1_200);
      const victim = victims[Math.floor(random() * victims.length)];
      if (!victim?.running) continue;
      if (isPaused && random() < 0.5) {
        const { child } = victim.running;
        child.kill('SIGSTOP');
        counts.pauses += 1;
        await pause(random() * (isFull ? 8_000 : 1_500));
        child.kill('SIGCONT');
      } else {
        const { running } = victim;
        victim.running = null;
        // now and then it is asked to end, which it does soon, and no less is there afterwards
        const isAsked = isPaused && random() < 0.3;
        const [before, held] = [performance.now(), heldUp()];
        await running.stop(isAsked ? 'SIGTERM' : 'SIGKILL');
        const tookMs = performance.now() - before - held();
        counts.longestStopMs = Math.max(counts.longestStopMs, isAsked ? tookMs : 0);
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

/** What came of it. */
export interface Fired {
  readonly kills: number;
  /** of a hundred timed fires one came later after its time; ms */
  readonly p99Ms: number;
  /** for the report */
  readonly note: string;
}

/** Fires everything under trouble, and waits until all of it is decided. */
export async function fireUnderTrouble(
  place: Place,
  victims: readonly Victim[],
  { ask, plan }: { readonly ask: Ask; readonly plan: FiringPlan },
): Promise<Fired> {
  const random = chance(seed);
  await applyFiring(place, plan);
  const trouble = harass(victims, random, plan);
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
    const again = await deliverOnce(victims[n % victims.length]?.running?.url ?? '', id, 30_000);
    expect({ id, again }).toMatchObject({ id, again: { httpStatus: 200, taskId: first.taskId } });
  }
  // nothing changes while it is counted
  await Promise.all(victims.map(({ running }) => running?.stop('SIGTERM')));
  const { instants, tasks } = checkRecord(ask, { plan, until: now, answers });
  const { kills, stops, pauses, longestStopMs } = trouble.counts;
  // no more than that, though requests are under way; what runs beside the selection takes its time
  expect(longestStopMs).toBeLessThan(isFull ? 10_000 : 30_000);
  // there was trouble
  expect(trouble.sum()).toBeGreaterThanOrEqual(plan.leastFaults);
  const delays =
    "SELECT decided_at - effective_at FROM occurrences WHERE source IN ('cron', 'interval') ORDER BY 1";
  const late = ask(delays).map(([ms]) => Number(ms));
  const [p50 = 0, p99Ms = Number.POSITIVE_INFINITY] = [0.5, 0.99].map(
    (share) => late[Math.floor(share * late.length)],
  );
  const fired = `${instants} instants of ${plan.timed} triggers, ${answers.size} deliveries in ${tries} tries`;
  const note = `${fired}, ${tasks} tasks; ${kills} kills, ${stops} stops (at most ${Math.round(longestStopMs)} ms), ${pauses} pauses; fired p50 ${p50} ms and p99 ${p99Ms} ms after their time`;
  return { kills, p99Ms, note };
}

/** Servers on one database. */
export async function fireOnPostgres(
  onTestFinished: TestContext['onTestFinished'],
  { row, count, plan }: { readonly row: string; readonly count: number; readonly plan: FiringPlan },
): Promise<Fired> {
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
  const fired = await fireUnderTrouble(place, victims, { ask, plan });
  tally({ row, rounds: 1, note: fired.note });
  return fired;
}
