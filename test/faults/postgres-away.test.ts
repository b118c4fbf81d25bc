import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, pause, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { faultyExecutable } from './lab/lab.ts';
import { isReady, serverOn } from './lab/on-postgres.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { isFull, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';

/** G. PostgreSQL is away for long, or for good, and another takes its place. */
describe.skipIf(findPrograms() === null)(
  'a server whose PostgreSQL goes away (needs its server programs, and root)',
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

    function newDatabase(name: string): string {
      cluster.sql(`CREATE DATABASE ${name}`);
      return cluster.url(cluster.port, name);
    }

    const create = (place: Place, sessionId: string, key: string) =>
      callOnce(place, 'POST', '/api/v1/tasks', {
        json: { sessionId, name: key, script: 'true', autoFix: false },
        headers: { 'idempotency-key': key },
      });

    test.skipIf(!isFull)(
      'F-62: the database is away for longer than the lease: no task is given up by that alone (all rounds only)',
      async () => {
        const place = openPlace('postgres-away');
        await serverOn(place, newDatabase('f62'), { KERUTA_LEASE: '5s', KERUTA_BOOT_GRACE: '15s' });
        const session = await place.session('f62');
        await place.daemon(session, ['--base-dir', place.path('base')]);
        const id = await place.submit(session, 'for i in $(seq 80); do echo $i; sleep 0.5; done; exit 7');
        await until('it runs', async () => (await place.logs(id)).length > 4);
        cluster.crash();
        await pause(20_000);
        cluster.up();
        const task = await place.when(id, ({ logComplete }) => logComplete === true, 90_000);
        expect(task).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1, reason: null });
        expect(
          cluster.sql("SELECT count(*) FROM keruta.audit WHERE action = 'task.lost'", 'f62').trim(),
        ).toBe('0');
        tally({ row: 'F-62', rounds: 1, note: 'database away 20 s, lease 5 s, LOST 0' });
      },
    );

    test.skipIf(!isFull)(
      'F-69: the look at leases stands still, because another client has the table: not ready, and ready again afterwards (all rounds only)',
      async () => {
        const place = openPlace('postgres-still');
        await serverOn(place, newDatabase('f69'));
        await until('it is ready', () => isReady(place));
        const words = [
          '--reuid',
          'postgres',
          '--clear-groups',
          '--',
          'psql',
          cluster.url(cluster.port, 'f69'),
        ];
        const statement = 'BEGIN; LOCK TABLE keruta.attempts; SELECT pg_sleep(60); COMMIT';
        const locked = place.start('setpriv', [...words, '-qc', statement], { timeoutMs: 90_000 });
        const before = Date.now();
        await until('it is not ready', async () => !(await isReady(place)), 55_000);
        expect((await callOnce(place, 'GET', '/readyz')).text).toMatch(
          /nobody could look at leases for \d+ s/,
        );
        const tookMs = Date.now() - before;
        await locked.ended;
        await until('it is ready again', () => isReady(place), 30_000);
        tally({ row: 'F-69', rounds: 1, note: `table locked: not ready after ${tookMs} ms` });
      },
    );

    test('F-71: a standby takes over under load: with synchronous replication nothing acknowledged is missing', async () => {
      // the last test: it leaves this cluster behind
      const primary = cluster;
      const standby = await primary.standby('second');
      onTestFinished(() => standby.remove());
      primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'");
      primary.sql('SELECT pg_reload_conf()');
      const proxy = await FlakyProxy.listen(primary.port);
      onTestFinished(() => proxy.close());
      const place = openPlace('postgres-failover');
      await serverOn(place, primary.url(proxy.port));
      const session = await place.session('f71');

      // the standby is away: what only one machine has is not acknowledged, also when the database calls it committed
      standby.crash();
      const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      const alone = create(place, session, 'f71-alone');
      await until('a commit waits', () => primary.sql(waiting).trim() !== '');
      primary.sql(`SELECT pg_cancel_backend(pid) FROM (${waiting}) AS waiting`);
      expect(await alone).toMatchObject({ status: 503, text: expect.stringContaining('standby') });
      // the primary shows it now to whoever asks: also the answer to a repetition waits for the standby
      await until('nobody waits', () => primary.sql(waiting).trim() === '');
      const repeated = create(place, session, 'f71-alone');
      await until('the repetition waits', () => primary.sql(waiting).trim() !== '');
      if (isFull) expect((await repeated).status).toBe(503);
      if (isFull) expect((await create(place, session, 'f71-unheard')).status).toBe(503);
      standby.up();
      expect([200, 503]).toContain((await repeated).status);
      for (const key of ['f71-alone', 'f71-unheard'])
        await until(
          `${key} is confirmed`,
          async () => [200, 201].includes((await create(place, session, key)).status),
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
      const goesOn = () => speakers.every((one, at) => one.journal.length > (counts[at] ?? 0));
      await until('work goes on', goesOn, 60_000);
      over = true;
      await work;
      let compared = 0;
      for (const speaker of speakers) compared += await speaker.check();
      expect(standby.sql("SELECT count(*) FROM tasks WHERE name LIKE 'f71-%'").trim()).toBe('2');
      const tasks = speakers.reduce((sum, { journal }) => sum + journal.length, 0);
      tally({
        ...{ row: 'F-71', rounds: 1 },
        note: `${tasks} tasks, ${compared} bytes, none missing; ready ${tookMs} ms after the standby was`,
      });
    });
  },
);
