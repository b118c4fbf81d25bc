import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { openPostgresBlobStore } from '../../internal/blob/postgres-blob-store.ts';
import { buildServer } from '../../internal/server/app.ts';
import { startSweep } from '../../internal/session/sweep.ts';
import { openPostgresStore } from '../../internal/store/postgres-store.ts';
import type { Store } from '../../internal/store/store.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { makePlace, type Place, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { faultyExecutable } from './lab/lab.ts';
import { serverOn, sharedToken } from './lab/on-postgres.ts';
import { inLanes, isFull, rounds, tally } from './lab/rounds.ts';
import { callOnce } from './lab/speaker.ts';

/** G. Several servers on one PostgreSQL. */
describe.skipIf(findPrograms() === null)(
  'replicas (needs the server programs of PostgreSQL, and root)',
  () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await Cluster.start();
    });
    afterAll(() => cluster?.remove());

    function openPlace(onTestFinished: TestContext['onTestFinished'], name: string): Place {
      const place = makePlace(name, faultyExecutable);
      onTestFinished(() => place.close());
      return place;
    }

    function newDatabase(name: string): string {
      cluster.sql(`CREATE DATABASE ${name}`);
      return cluster.url(cluster.port, name);
    }

    test('S-05: a token that is revoked through one server, or runs out, is refused by the other within 5 s and what it had open there ends; its successor is good all the time', async ({
      onTestFinished,
    }) => {
      const place = openPlace(onTestFinished, 'replicas-tokens');
      const url = newDatabase('s05');
      const [one, two] = [await serverOn(place, url), await serverOn(place, url)];
      const sessionId = await place.session('s05');
      const mint = async (more: object = {}) =>
        (await place.api('POST', '/tokens', { scope: 'session', sessionId, ...more })) as {
          id: string;
          token: string;
        };
      const by = (secret: string, server: { readonly url: string }, path = '') =>
        fetch(`${server.url}/api/v1/sessions/${sessionId}${path}`, {
          headers: { authorization: `Bearer ${secret}` },
        });
      const status = async (...of: Parameters<typeof by>) => (await by(...of)).status;
      const longest: number[] = [];
      place.use(one.url, sharedToken);
      await inLanes({ count: rounds(1, 20), lanes: rounds(1, 5) }, async () => {
        const [old, next] = [await mint(), await mint()];
        const look = async (secret: string) => {
          for (const server of [one, two]) expect(await status(secret, server)).toBe(200);
        };
        // both servers know all three, and have just looked at them; the one that soon ends last
        for (const { token: secret } of [old, next]) await look(secret);
        const short = await mint({ expiresInSeconds: 8 });
        await look(short.token);
        const stream = await by(old.token, two, '/events');
        expect(stream.status).toBe(200);
        let isOpen = true;
        const streamEnds = stream.text().catch(() => '');
        void streamEnds.then(() => {
          isOpen = false;
        });
        // refreshed until the last moment: the longest that anybody could remember it
        expect(await status(old.token, two)).toBe(200);
        await place.api('DELETE', `/tokens/${old.id}`);
        const before = performance.now();
        await until('the other server refuses it', async () => {
          expect(await status(next.token, two)).toBe(200);
          return (await status(old.token, two)) === 401;
        });
        const refusedMs = performance.now() - before;
        await until('the open stream has ended', () => !isOpen);
        longest.push(refusedMs, performance.now() - before);
        expect(await status(old.token, one)).toBe(401);
        await until('the short one has run out on both', async () => {
          const seen = await Promise.all([one, two].map((server) => status(short.token, server)));
          return seen.every((code) => code === 401);
        });
        expect(await status(next.token, one)).toBe(200);
      });
      const worstMs = Math.round(Math.max(...longest));
      expect(worstMs).toBeLessThan(isFull ? 5_000 : 15_000);
      tally({ row: 'S-05', rounds: rounds(1, 20), note: `refused and ended after at most ${worstMs} ms` });
    });

    describe.concurrent('at the same time', () => {
      const create = (place: Place, sessionId: string, key: string) =>
        callOnce(place, 'POST', '/api/v1/tasks', {
          json: { sessionId, name: key, script: 'true', autoFix: false },
          headers: { 'idempotency-key': key },
        });

      test('F-77: a migration is killed midway, then two replicas begin it at once: one does it, whole, and both serve', async ({
        onTestFinished,
      }) => {
        const counts: string[] = [];
        for (let round = 0; round < rounds(1, 10); round++) {
          const url = newDatabase(`f77_${round}`);
          const place = openPlace(onTestFinished, 'replicas-migration');
          const words = ['server', '--port', '0', '--data-dir', place.path('dying'), '--database-url', url];
          const env = { ...place.env, KERUTA_FAILPOINT: `mid_migration:kill@${3 + 5 * round}` };
          expect(await place.keruta(words, { env })).toMatchObject({ signal: 'SIGKILL' });
          await Promise.all([serverOn(place, url), serverOn(place, url)]);
          const serves = () =>
            place.session(`works ${Date.now()}`).then(
              () => true,
              () => false,
            );
          await until('both serve', serves, 60_000);
          const doubled =
            'SELECT count(*), count(DISTINCT version), max(version) FROM keruta.schema_versions';
          counts.push(cluster.sql(doubled, `f77_${round}`).trim());
          // else the connections of all rounds add up to more than there are
          await place.close();
        }
        for (const count of counts) expect(count).toMatch(/^(\d+)\|\1\|\1$/);
        tally({ row: 'F-77', rounds: counts.length, note: `two replicas; schema ${counts[0]}` });
      });

      test('F-78: the clocks of two servers are ten minutes apart: the database’s time decides about order, leases and tokens', async ({
        onTestFinished,
      }) => {
        const url = newDatabase('f78');
        const place = openPlace(onTestFinished, 'replicas-clocks');
        const open = async (aheadMs: number) => {
          const clock = { ...systemClock, now: () => Date.now() + aheadMs };
          const opened = await openPostgresStore({ url, clock, log: silentLog });
          let looks = 0;
          const store: Store = {
            ...opened,
            expiredAttempts: (until) => {
              looks += until < Number.MAX_SAFE_INTEGER ? 1 : 0;
              return opened.expiredAttempts(until);
            },
          };
          const blob = await openPostgresBlobStore({ url, clock, log: silentLog });
          const parts = { store, blob, clock, random: systemRandom, log: silentLog };
          const noAuth = buildServer({ parts, noAuth: true, version: '0', logger: silentLog });
          const withAuth = buildServer({ parts, noAuth: false, version: '0', logger: silentLog });
          const host = '127.0.0.1';
          const [free, closed] = await Promise.all(
            [noAuth, withAuth].map((one) => one.listen({ host, port: 0 })),
          );
          const sweeping = new AbortController();
          const sweep = startSweep(parts, sweeping.signal);
          onTestFinished(async () => {
            sweeping.abort();
            await sweep.ended;
            await Promise.all([noAuth.close(), withAuth.close()]);
            await blob.close();
            await store.close();
          });
          const check = (secret: string) =>
            fetch(`${closed?.url}/api/v1/sessions`, { headers: { authorization: `Bearer ${secret}` } });
          return { use: () => place.use(free?.url ?? '', sharedToken), check, looks: () => looks };
        };
        const [early, late] = [await open(-300_000), await open(300_000)];
        late.use();
        const session = await place.session('f78');
        const stamps: number[] = [];
        for (const at of [late, early, late, early]) {
          at.use();
          const { text } = await create(place, session, `f78-${stamps.length}`);
          stamps.push(Date.parse((JSON.parse(text) as { createdAt: string }).createdAt));
        }
        expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
        for (const stamp of stamps) expect(Math.abs(stamp - Date.now())).toBeLessThan(120_000);

        // a token that the one gave for a minute is good for both, and over for both
        const { token: minute } = await place.api<{ token: string }>('POST', '/tokens', {
          ...{ scope: 'session', sessionId: session, expiresInSeconds: 60 },
        });
        for (const one of [early, late]) expect((await one.check(minute)).status).toBe(200);
        cluster.sql(
          'UPDATE keruta.tokens SET expires_at = expires_at - 60000 WHERE expires_at IS NOT NULL',
          'f78',
        );
        await until('both refuse it', async () => {
          const answers = await Promise.all([early, late].map((one) => one.check(minute)));
          return answers.every(({ status }) => status === 401);
        });

        // a lease that the one gave holds for both: each looked at it, with a clock on which it is over or far away
        early.use();
        const wish = { json: { agentId: 'a', claimId: 'c' } };
        const claimed = await callOnce(place, 'POST', `/api/v1/sessions/${session}/claim`, wish);
        const { task } = (JSON.parse(claimed.text) as { claim: { task: { id: string } } }).claim;
        const status = async () => (await place.task(task.id)).status;
        const seen = [early, late].map((one) => one.looks());
        await until(
          'both have looked',
          () => [early, late].every((one, at) => one.looks() > (seen[at] ?? 0)),
          60_000,
        );
        late.use();
        expect(await status()).toBe('PROCESSING');
        // and it runs out by the time of the database: the claim's 45 s, or the grace of a server's start, which is longer
        cluster.sql('UPDATE keruta.attempts SET lease_until = lease_until - 120000', 'f78');
        await until('it is given up', async () => (await status()) === 'LOST', 60_000);
        expect(
          cluster.sql("SELECT count(*) FROM keruta.audit WHERE action = 'task.lost'", 'f78').trim(),
        ).toBe('1');
        tally({ row: 'F-78', rounds: 1, note: 'clocks 5 min early and 5 min late' });
      });
    });
  },
);
