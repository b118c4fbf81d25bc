import { describe, expect, type TestContext, test } from 'vitest';
import { makePlace, until } from '../e2e/place.ts';
import { freePort } from '../fixtures/free-port.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { type Ask, deliverTo, firingEnv } from './lab/firing.ts';
import { faultyExecutable } from './lab/lab.ts';
import {
  applyLimited,
  atOnce,
  becameOf,
  breakerOf,
  checkTold,
  dieAndComeAgain,
  insist,
  type Replica,
  type Storm,
  storm,
  tasksOf,
  usedOf,
} from './lab/limits.ts';
import { isReady, serverOn, sharedToken } from './lab/on-postgres.ts';
import { chance, isFull, rounds, seed, tally } from './lab/rounds.ts';

/** Several starts of servers each, and hundreds of events that wait for each other: long on a machine that is busy. */
const timeout = isFull ? 1_800_000 : 300_000;

/** Three servers' worth of trouble: two replicas on a database of their own. */
async function open(onTestFinished: TestContext['onTestFinished'], name: string) {
  const cluster = await Cluster.start();
  onTestFinished(() => cluster.remove());
  const place = makePlace(name, faultyExecutable);
  onTestFinished(() => place.close());
  const ask: Ask = (sql) =>
    cluster
      .sql(`SET search_path = keruta; ${sql}`)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('|'));
  const replicas: Replica[] = [];
  for (let n = 0; n < 2; n++) {
    const port = await freePort();
    const start = () => serverOn(place, cluster.url(), firingEnv, port);
    replicas.push({ running: await start(), start });
  }
  return { cluster, place, ask, replicas };
}

/** Ends tasks, all at once, over both servers. */
function endAll(replicas: readonly Replica[], ids: readonly string[], status: 'COMPLETED' | 'FAILED') {
  const body = { status };
  return Promise.all(
    ids.map((id, n) =>
      insist(n % 2 === 0 ? replicas : replicas.toReversed(), {
        ...{ method: 'PUT', path: `/tasks/${id}/status`, body, token: sharedToken },
      }),
    ),
  );
}

describe.skipIf(findPrograms() === null)(
  'what policies limit on two servers (needs the server programs of PostgreSQL, and root)',
  () => {
    test(`L-01, F-89: ${atOnce} simultaneous events for each workflow, while a server is killed and started again: as many run as the limits of runs, of tasks at a time and of money allow, the breaker opens at the fifth failure, and one probe runs (seed ${seed})`, {
      timeout,
    }, async ({ onTestFinished }) => {
      const { place, ask, replicas } = await open(onTestFinished, 'limits');
      const random = chance(seed);
      const storms: Storm[] = [];
      let kills = 0;
      const count = rounds(1, 20);
      for (let round = 0; round < count; round++) {
        const victim = () => {
          kills += 1;
          return replicas[Math.floor(random() * replicas.length)] ?? null;
        };
        const names = (...all: string[]) => all.map((name) => `${name}-${round}`);
        const fire = async (wave: string, workflows: readonly string[], dies = victim()) => {
          storms.push(await storm({ replicas, workflows, wave, random, dies }));
        };
        const [daily = '', busy = '', paid = ''] = names('daily', 'busy', 'paid');
        const [fragile = '', shut = ''] = names('fragile', 'shut');
        await applyLimited(place, { name: daily, policy: { maxRunsPerDay: 10 } });
        await applyLimited(place, { name: busy, policy: { maxConcurrent: 7 } });
        await applyLimited(place, { name: paid, policy: { maxCostPerDay: '1.00', costEstimate: '0.15' } });
        const breaker = { consecutiveFailures: 5, window: 10 };
        await applyLimited(place, { name: fragile, policy: { breaker: { ...breaker, coolOff: '1ms' } } });
        await applyLimited(place, { name: shut, policy: { breaker: { ...breaker, coolOff: '10h' } } });

        await fire('first', [daily, busy, paid]);
        expect(becameOf(ask, daily)).toEqual({ run: 10, run_limit: atOnce - 10 });
        expect(becameOf(ask, busy)).toEqual({ run: 7, concurrency: atOnce - 7 });
        expect(becameOf(ask, paid)).toEqual({ run: 6, cost_limit: atOnce - 6 });
        expect(usedOf(ask, 'runs', daily)).toEqual([10]);
        expect(usedOf(ask, 'cost', paid)).toEqual([900_000]);

        // three places become free; the six cost a nickel each, so that there is room for four more
        const cost = { amount: '0.05', key: 'once' };
        for (const id of tasksOf(ask, paid))
          await insist(replicas, {
            ...{ method: 'POST', path: `/tasks/${id}/costs`, body: cost, token: sharedToken },
          });
        const ends = [...tasksOf(ask, busy).slice(0, 3), ...tasksOf(ask, paid)];
        const [ending, dying] = [endAll(replicas, ends, 'COMPLETED'), victim()];
        if (dying !== null) await dieAndComeAgain(dying);
        await ending;
        expect(usedOf(ask, 'cost', paid)).toEqual([300_000]);
        await fire('second', [daily, busy, paid]);
        expect(becameOf(ask, daily)).toEqual({ run: 10, run_limit: 2 * atOnce - 10 });
        expect(becameOf(ask, busy)).toEqual({ run: 10, concurrency: 2 * atOnce - 10 });
        expect(becameOf(ask, paid)).toEqual({ run: 10, cost_limit: 2 * atOnce - 10 });
        expect(usedOf(ask, 'cost', paid)).toEqual([900_000]);

        await fire('first', [fragile, shut], null);
        const failing = endAll(replicas, [...tasksOf(ask, fragile), ...tasksOf(ask, shut)], 'FAILED');
        await dieAndComeAgain(victim() as Replica);
        await failing;
        for (const name of [fragile, shut]) {
          expect(becameOf(ask, name)).toEqual({ run: atOnce });
          // those that ended after it opened had begun before: they count for nothing
          expect(breakerOf(ask, name)).toEqual({ state: 'open', results: 'FFFFF', opened: 1 });
        }
        await fire('second', [fragile, shut]);
        expect(becameOf(ask, shut)).toEqual({ run: atOnce, breaker_open: atOnce });
        const probed = { run: atOnce + 1, breaker_probe_in_flight: atOnce - 1 };
        expect(becameOf(ask, fragile)).toEqual(probed);
        await endAll(replicas, tasksOf(ask, fragile, ['PENDING']), 'COMPLETED');
        await fire('third', [fragile]);
        expect(becameOf(ask, fragile)).toEqual({ ...probed, run: 2 * atOnce + 1 });
        // nobody needs them any more
        await endAll(replicas, tasksOf(ask, fragile, ['PENDING']), 'COMPLETED');
      }
      const ran = checkTold(ask, storms);
      const tries = storms.reduce((sum, one) => sum + one.tries, 0);
      const events = storms.reduce((sum, { answers }) => sum + answers.size, 0);
      // the kills were felt
      expect(tries).toBeGreaterThan(events);
      const note = `${events} events in ${tries} tries, ${ran} runs, ${kills} kills: every limit met exactly`;
      tally({ row: 'L-01', rounds: count, note });
    });

    test('L-02, F-90: the database goes away: nothing runs, every event is refused for now, and health says why; when it is back, the limits hold and nothing ran twice', {
      timeout,
    }, async ({ onTestFinished }) => {
      const { cluster, place, ask, replicas } = await open(onTestFinished, 'limits-away');
      const closed = { failMode: 'closed', maxRunsPerDay: 10 };
      await applyLimited(place, { name: 'closed', policy: closed });
      const every = { type: 'interval', every: '1s', anchor: '2026-01-01T00:00:00Z', catchUp: 'all' };
      await applyLimited(place, {
        name: 'timed',
        policy: { ...closed, maxRunsPerDay: 5 },
        triggers: [{ ...every, name: 'second' }],
      });
      const storms: Storm[] = [];
      const awayMs: number[] = [];
      const random = chance(seed);
      const count = rounds(1, 5);
      for (let round = 0; round < count; round++) {
        cluster.crash();
        const downAt = Date.now();
        // asked of both, each of the events is refused for now, and for no other reason
        const sent = await Promise.all(
          Array.from({ length: atOnce }, (_, n) =>
            deliverTo(replicas[n % 2]?.running?.url ?? '', {
              ...{ workflow: 'closed', id: `closed-${round}-${n}`, timeoutMs: 30_000 },
            }),
          ),
        );
        expect(new Set(sent.map(({ httpStatus }) => httpStatus))).toEqual(new Set([503]));
        // what was found out just before it went is told again for half a second
        for (const { running } of replicas)
          await until('health says why', async () => {
            const answer = await fetch(`${running?.url}/readyz`);
            const said = (await answer.json()) as { health: string; reasons: string[] };
            return (
              answer.status === 503 && said.health === 'unhealthy' && /store: /.test(said.reasons.join())
            );
          });
        // a server that is killed meanwhile does not start without its database, and not by itself afterwards either
        const upAt = Date.now();
        cluster.up();
        awayMs.push(upAt - downAt);
        await until('they are ready again', () => isReady(place), 60_000);
        expect(ask(`SELECT id FROM tasks WHERE created_at BETWEEN ${downAt} AND ${upAt}`)).toEqual([]);
        storms.push(
          await storm({ replicas, workflows: ['closed'], wave: String(round), random, dies: null }),
        );
        const all = (round + 1) * atOnce;
        expect(becameOf(ask, 'closed')).toEqual({ run: 10, run_limit: all - 10 });
      }
      // what fell due meanwhile is decided, each instant once, and five of them ran
      await until('five of the timed ones ran', () => becameOf(ask, 'timed').run === 5, 60_000);
      const now = Date.now();
      const instants = () =>
        ask(
          "SELECT nominal_at FROM occurrences WHERE source = 'interval' AND nominal_at <= " +
            `${now} ORDER BY nominal_at`,
        ).map(([at]) => Number(at));
      const last = Math.floor(now / 1000) * 1000;
      await until('every instant is decided', () => instants().at(-1) === last, 60_000);
      const decided = instants();
      const first = decided[0] ?? 0;
      expect(decided).toEqual(decided.map((_, n) => first + n * 1000));
      expect(becameOf(ask, 'timed').run).toBe(5);
      await Promise.all(replicas.map(({ running }) => running?.stop('SIGTERM')));
      checkTold(ask, storms);
      const note = `database away for ${Math.max(...awayMs)} ms at most, ${decided.length} instants, each once`;
      tally({ row: 'L-02', rounds: count, note });
    });

    test('L-03, F-90: what policies count cannot be read, though the database answers: what is limited does not run and stays due, what may fail open runs; once it can be read, all of it is decided once', {
      timeout,
    }, async ({ onTestFinished }) => {
      const { place, ask, replicas } = await open(onTestFinished, 'limits-unread');
      const closed = { failMode: 'closed', maxRunsPerDay: 10 };
      await applyLimited(place, { name: 'closed', policy: closed });
      await applyLimited(place, { name: 'open', policy: { failMode: 'open', cooldown: '1ms' } });
      const every = { type: 'interval', every: '2s', anchor: '2026-01-01T00:00:00Z', catchUp: 'all' };
      await applyLimited(place, { name: 'timed', policy: closed, triggers: [{ ...every, name: 'due' }] });
      await until(
        'it has fallen due',
        () => ask("SELECT 1 FROM occurrences WHERE source = 'interval'").length > 0,
      );
      ask('ALTER TABLE workflow_histories RENAME TO elsewhere');
      const before = ask('SELECT count(*) FROM occurrences')[0];
      const url = replicas[0]?.running?.url ?? '';
      const send = (workflow: string, n: number) =>
        deliverTo(url, { workflow, id: `${workflow}-unread-${n}`, timeoutMs: 15_000 });
      for (let n = 0; n < 5; n++) {
        const { httpStatus, text } = await send('closed', n);
        expect(httpStatus).toBe(503);
        expect(text).toContain('KERUTA_ERR_GOVERNANCE_UNAVAILABLE');
      }
      expect(ask('SELECT count(*) FROM occurrences')[0]).toEqual(before);
      const { answer, text } = await send('open', 0);
      expect(answer, text).toMatchObject({ httpStatus: 202, taskId: expect.any(String) });
      // people can see it
      await until('health says so', async () => {
        const said = (await (await fetch(`${url}/readyz`)).json()) as { health: string; reasons: string[] };
        return said.health === 'degraded' && /triggers: some cannot be decided now/.test(said.reasons.join());
      });
      const unread = Date.now();
      ask('ALTER TABLE elsewhere RENAME TO workflow_histories');
      const wave = 'unread';
      const told = await storm({ replicas, workflows: ['closed'], wave, random: chance(seed), dies: null });
      expect(becameOf(ask, 'closed')).toEqual({ run: 10, run_limit: atOnce - 10 });
      const due = () =>
        ask(
          `SELECT nominal_at FROM occurrences WHERE source = 'interval' AND nominal_at <= ${unread} ORDER BY nominal_at`,
        ).map(([at]) => Number(at));
      const last = Math.floor(unread / 2000) * 2000;
      await until('what fell due meanwhile is decided', () => due().at(-1) === last, 60_000);
      const decided = due();
      expect(decided).toEqual(decided.map((_, n) => (decided[0] ?? 0) + n * 2000));
      await Promise.all(replicas.map(({ running }) => running?.stop('SIGTERM')));
      const answers = new Map([
        ...told.answers,
        ...(answer === null ? [] : [['open-unread-0', answer] as const]),
      ]);
      checkTold(ask, [{ ...told, answers }]);
      tally({ row: 'L-03', rounds: 1, note: `${decided.length} instants, each once` });
    });
  },
);
