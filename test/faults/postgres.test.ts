import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresBlobStore } from '../../internal/blob/postgres-blob-store.ts';
import { buildServer } from '../../internal/server/app.ts';
import { sweep } from '../../internal/session/sweep.ts';
import { openPostgresStore } from '../../internal/store/postgres-store.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { makePlace, type Place, pause, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { faultyExecutable } from './lab/lab.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';

/** G. PostgreSQL and its replicas: failover, silence, readiness, several servers on one database. */
const token = `krt_adm_${'replica'.repeat(6)}`;

describe.skipIf(findPrograms() === null)(
  'servers on PostgreSQL (needs its server programs, and root)',
  () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await Cluster.start();
    });
    afterAll(() => cluster?.remove());

    function openPlace(name: string): Place {
      const place = makePlace(name, faultyExecutable);
      onTestFinished(() => place.close());
      return place;
    }

    function serverIn(place: Place, url: string, env: Readonly<Record<string, string>> = {}) {
      const words = ['--database-url', url, '--data-dir', place.path(`server-${systemRandom.uuid4()}`)];
      return place.server(words, { env: { ...place.env, KERUTA_ADMIN_TOKEN: token, ...env }, token });
    }

    async function proxyTo(port: number): Promise<FlakyProxy> {
      const proxy = await FlakyProxy.listen(port);
      onTestFinished(() => proxy.close());
      return proxy;
    }

    function newDatabase(name: string): string {
      cluster.sql(`CREATE DATABASE ${name}`);
      return cluster.url(cluster.port, name);
    }

    const isReady = async (place: Place) => (await callOnce(place, 'GET', '/readyz')).status === 200;
    const create = (place: Place, sessionId: string, key: string) =>
      callOnce(place, 'POST', '/api/v1/tasks', {
        json: { sessionId, name: key, script: 'true', autoFix: false },
        headers: { 'idempotency-key': key },
      });

    test('F-71: a standby takes over under load: with synchronous replication nothing acknowledged is missing', async () => {
      const primary = await Cluster.start();
      onTestFinished(() => primary.remove());
      const standby = await primary.standby('second');
      onTestFinished(() => standby.remove());
      primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'");
      primary.sql('SELECT pg_reload_conf()');
      const proxy = await proxyTo(primary.port);
      const place = openPlace('pg-failover');
      await serverIn(place, primary.url(proxy.port));
      const session = await place.session('f71');

      // the standby is away: what only one machine has is not acknowledged, also when the database calls it committed
      standby.crash();
      if (isFull) expect((await create(place, session, 'f71-alone')).status).toBe(503);
      const alone = create(place, session, 'f71-alone');
      const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      await until('a commit waits', () => primary.sql(waiting).trim() !== '');
      primary.sql(`SELECT pg_cancel_backend(pid) FROM (${waiting}) AS waiting`);
      expect(await alone).toMatchObject({ status: 503, text: expect.stringContaining('standby') });
      standby.up();
      await until(
        'it is confirmed',
        async () => (await create(place, session, 'f71-alone')).status < 300,
        60_000,
      );

      const speakers: Speaker[] = [];
      for (const name of ['a', 'b', 'c'])
        speakers.push(new Speaker(place, await place.session(`f71 ${name}`)));
      let over = false;
      const work = Promise.all(speakers.map((speaker) => speaker.work(() => over)));
      work.catch(() => {});
      await until('work is done', () => speakers.every(({ journal }) => journal.length > 1), 60_000);
      primary.crash();
      standby.promote();
      proxy.pointAt(standby.port);
      const before = Date.now();
      await until('it is ready', () => isReady(place), 60_000);
      const tookMs = Date.now() - before;
      const counts = speakers.map(({ journal }) => journal.length);
      await until(
        'work goes on',
        () => speakers.every((one, at) => one.journal.length > (counts[at] ?? 0)),
        60_000,
      );
      over = true;
      await work;
      let compared = 0;
      for (const speaker of speakers) compared += await speaker.check();
      expect(standby.sql("SELECT count(*) FROM tasks WHERE name = 'f71-alone'").trim()).toBe('1');
      const tasks = speakers.reduce((sum, { journal }) => sum + journal.length, 0);
      tally({
        ...{ row: 'F-71', rounds: 1 },
        note: `${tasks} tasks, ${compared} bytes, none missing; ready ${tookMs} ms after the standby was`,
      });
    });

    test('F-72: while it is read-only the server is not ready, and says why', async () => {
      const place = openPlace('pg-read-only');
      await serverIn(place, newDatabase('f72'));
      expect(await isReady(place)).toBe(true);
      cluster.sql('ALTER DATABASE f72 SET default_transaction_read_only = on');
      const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'f72'";
      cluster.sql(end);
      await until('it is not ready', async () => !(await isReady(place)));
      await until('it says why', async () =>
        (await callOnce(place, 'GET', '/readyz')).text.includes('read-only transaction'),
      );
      expect((await callOnce(place, 'POST', '/api/v1/sessions', { json: { name: 'f72' } })).status).toBe(503);
      expect((await callOnce(place, 'GET', '/api/v1/sessions')).status).toBe(200);
      cluster.sql('ALTER DATABASE f72 RESET default_transaction_read_only');
      cluster.sql(end);
      await until('it is ready again', () => isReady(place));
      expect(cluster.sql('SELECT count(*) FROM keruta.sessions', 'f72').trim()).toBe('0');
      tally({ row: 'F-72', rounds: 1, note: 'readiness' });
    });

    test('F-74: open connections go silent: every call fails within 10 s, and no silent connection is used again', async () => {
      const proxy = await proxyTo(cluster.port);
      const place = openPlace('pg-silent');
      const server = await serverIn(place, cluster.url(proxy.port));
      const session = await place.session('f74 silent');
      const many = (word: string) =>
        Promise.all(Array.from({ length: 20 }, (_, at) => create(place, session, `f74-${word}-${at}`)));
      // every connection of the pool is open
      expect((await many('before')).map(({ status }) => status)).toEqual(Array(20).fill(201));
      proxy.set('blackhole', 0, { keep: true });
      const silent = await many('silent');
      expect(silent.map(({ status }) => status)).toEqual(Array(20).fill(503));
      const longestMs = Math.max(...silent.map(({ tookMs }) => tookMs));
      expect(longestMs).toBeLessThan(isFull ? 10_000 : 20_000);
      expect(await isReady(place)).toBe(false);
      proxy.set('pass', 0, { keep: true });
      const before = Date.now();
      await until('it is ready', () => isReady(place), 30_000);
      const healedMs = Date.now() - before;
      expect((await many('after')).map(({ status }) => status)).toEqual(Array(20).fill(201));
      // also the farewell to a silent server is short
      proxy.set('blackhole', 0, { keep: true });
      const stopping = Date.now();
      expect(await server.stop('SIGTERM')).toMatchObject({ signal: null });
      const stoppedMs = Date.now() - stopping;
      expect(stoppedMs).toBeLessThan(isFull ? 15_000 : 30_000);
      tally({
        ...{ row: 'F-74', rounds: 1 },
        note: `longest call ${Math.round(longestMs)} ms, healed after ${healedMs} ms, stopped in ${stoppedMs} ms`,
      });
    });

    test.skipIf(!isFull)(
      'F-62: it is away for longer than the lease: no task is given up by that alone (all rounds only)',
      async () => {
        const place = openPlace('pg-away');
        const env = { KERUTA_LEASE: '5s', KERUTA_BOOT_GRACE: '15s' };
        const away = await Cluster.start();
        onTestFinished(() => away.remove());
        await serverIn(place, away.url(), env);
        const session = await place.session('f62');
        await place.daemon(session, ['--base-dir', place.path('base')]);
        const id = await place.submit(session, 'for i in $(seq 80); do echo $i; sleep 0.5; done; exit 7');
        await until('it runs', async () => (await place.logs(id)).length > 4);
        away.crash();
        await pause(20_000);
        away.up();
        const task = await place.when(id, ({ logComplete }) => logComplete === true, 90_000);
        expect(task).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1, reason: null });
        expect(away.sql("SELECT count(*) FROM audit WHERE action = 'task.lost'").trim()).toBe('0');
        tally({ row: 'F-62', rounds: 1, note: 'database away 20 s, lease 5 s, LOST 0' });
      },
    );

    test('F-77: a migration is killed midway, then two replicas begin it at once: one does it, whole, and both serve', async () => {
      const counts: string[] = [];
      for (let round = 0; round < rounds(2, 10); round++) {
        const url = newDatabase(`f77_${round}`);
        const place = openPlace('pg-migration');
        const words = ['server', '--port', '0', '--data-dir', place.path('dying'), '--database-url', url];
        const env = { ...place.env, KERUTA_FAILPOINT: `mid_migration:kill@${3 + 5 * round}` };
        expect(await place.keruta(words, { env })).toMatchObject({ signal: 'SIGKILL' });
        await Promise.all([serverIn(place, url), serverIn(place, url)]);
        await place.session('works');
        const doubled = 'SELECT count(*), count(DISTINCT version), max(version) FROM keruta.schema_versions';
        counts.push(cluster.sql(doubled, `f77_${round}`).trim());
      }
      for (const count of counts) expect(count).toMatch(/^(\d+)\|\1\|\1$/);
      tally({ row: 'F-77', rounds: counts.length, note: `two replicas; schema ${counts[0]}` });
    });

    test('F-78: the clocks of two replicas are ten minutes apart: the database’s time decides', async () => {
      const url = newDatabase('f78');
      const place = openPlace('pg-clocks');
      const open = async (aheadMs: number) => {
        const clock = { ...systemClock, now: () => Date.now() + aheadMs };
        const store = await openPostgresStore({ url, clock, log: silentLog });
        const blob = await openPostgresBlobStore({ url, clock, log: silentLog });
        const parts = { store, blob, clock, random: systemRandom, log: silentLog };
        const server = buildServer({ parts, noAuth: true, version: '0', logger: silentLog });
        const { url: address } = await server.listen({ host: '127.0.0.1', port: 0 });
        onTestFinished(async () => {
          await server.close();
          await blob.close();
          await store.close();
        });
        return { parts, use: () => place.use(address, token) };
      };
      const [early, late] = [await open(-300_000), await open(300_000)];
      late.use();
      const session = await place.session('f78');
      const stamps: number[] = [];
      for (const at of [late, early, late, early]) {
        at.use();
        const { id } = JSON.parse((await create(place, session, `f78-${stamps.length}`)).text) as {
          id: string;
        };
        stamps.push(Date.parse((await place.task(id)).createdAt));
      }
      expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
      for (const stamp of stamps) expect(Math.abs(stamp - Date.now())).toBeLessThan(120_000);
      // a lease that the one gave holds for the other
      early.use();
      const wish = { json: { agentId: 'a', claimId: 'c' } };
      const claimed = await callOnce(place, 'POST', `/api/v1/sessions/${session}/claim`, wish);
      const { task, attempt } = (
        JSON.parse(claimed.text) as { claim: { task: { id: string }; attempt: { token: string } } }
      ).claim;
      expect([await sweep(late.parts), await sweep(early.parts)]).toEqual([0, 0]);
      late.use();
      expect((await place.task(task.id)).status).toBe('PROCESSING');
      // and it runs out for both at once, by the time of the database
      cluster.sql('UPDATE keruta.attempts SET lease_until = lease_until - 45000 - 1', 'f78');
      expect(await sweep(early.parts)).toBe(1);
      expect(await sweep(late.parts)).toBe(0);
      expect((await place.task(task.id)).status).toBe('LOST');
      expect(attempt.token).toMatch(/^krt_/);
      tally({
        row: 'F-78',
        rounds: 1,
        note: 'two servers in one process, clocks 5 min early and 5 min late',
      });
    });
  },
);
