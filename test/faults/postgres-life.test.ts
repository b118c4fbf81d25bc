import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place, pause, type RunningServer, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { faultyExecutable } from './lab/lab.ts';
import { ledgerFaults, ledgerScript } from './lab/ledger.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { rounds, tally } from './lab/rounds.ts';

/** G. PostgreSQL that crashes, is read-only, is locked, or does not answer. */
describe.skipIf(findPrograms() === null)(
  'a server on PostgreSQL (skipped without its server programs, or not as root)',
  () => {
    let cluster: Cluster;
    let proxy: FlakyProxy;
    let place: Place;
    let server: RunningServer;
    const token = `krt_adm_${'faults'.repeat(7)}`;

    beforeAll(async () => {
      cluster = await Cluster.start();
      proxy = await FlakyProxy.listen(cluster.port);
      place = makePlace('postgres-life', faultyExecutable);
      server = await place.server(['--database-url', cluster.url(proxy.port)], {
        env: { ...place.env, KERUTA_ADMIN_TOKEN: token },
        token,
      });
    });
    afterEach(() => proxy.set('pass'));
    afterAll(async () => {
      await place?.close();
      proxy?.close();
      cluster?.remove();
    });

    /** One call, with its status and how long it took. */
    async function call(method: string, path: string, body?: unknown, idempotencyKey?: string) {
      const before = performance.now();
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, text, ms: performance.now() - before };
    }
    const newTask = (sessionId: string, name: string) =>
      call('POST', '/api/v1/tasks', { sessionId, name, script: 'true', autoFix: false }, `key-${name}`);
    const works = () =>
      until('the server works again', async () => (await call('GET', '/api/v1/sessions')).status === 200);

    test('F-70: it crashes under load and starts again: nothing that was acknowledged is missing, and the run is whole', async () => {
      const session = await place.session('f70');
      await place.daemon(session, ['--base-dir', place.path('base-f70')]);
      const starts = place.path('starts-f70');
      const lines = 3000;
      const id = await place.submit(session, ledgerScript({ lines, pauseSeconds: 0.1, starts }));
      await until('lines arrive', async () => (await place.logs(id)).length > 100);
      const other = await place.session('f70 created');
      const acknowledged: string[] = [];
      let [over, worstMs, refused] = [false, 0, 0];
      const client = async () => {
        while (!over) {
          const answer = await newTask(other, `f70-${acknowledged.length}-${Math.random()}`);
          if (answer.status === 201) acknowledged.push((JSON.parse(answer.text) as { id: string }).id);
          else refused += 1;
          if (answer.status !== 201) expect(answer.status).toBe(503);
        }
      };
      const clients = Promise.all([client(), client()]);
      clients.catch(() => {});
      for (let round = 0; round < rounds(2, 10); round++) {
        await pause(300);
        cluster.crash();
        await pause(400);
        cluster.up();
        const before = Date.now();
        await works();
        worstMs = Math.max(worstMs, Date.now() - before);
      }
      over = true;
      await clients;
      expect(worstMs).toBeLessThan(10_000);
      for (const created of acknowledged)
        expect((await call('GET', `/api/v1/tasks/${created}`)).status).toBe(200);
      const task = await place.when(id, ({ logComplete }) => logComplete === true, 60_000);
      expect(task).toMatchObject({ exitCode: 7, attempt: 1, reason: null });
      expect(ledgerFaults(await place.logs(id, 'stdout'), 'out', lines)).toEqual([]);
      expect(ledgerFaults(await place.logs(id, 'stderr'), 'err', lines)).toEqual([]);
      tally({
        ...{ row: 'F-70', rounds: rounds(2, 10), lines: 2 * lines },
        note: `${acknowledged.length} acknowledged, ${refused} refused; works again after ${worstMs} ms`,
      });
    });

    test('F-72: it is read-only: 503 for what writes, reads go on, and nothing is acknowledged', async () => {
      const session = await place.session('f72');
      cluster.sql('ALTER SYSTEM SET default_transaction_read_only = on');
      cluster.sql('SELECT pg_reload_conf()');
      await until(
        'it is read-only',
        async () => (await newTask(session, `f72-${Math.random()}`)).status !== 201,
      );
      const refused = await newTask(session, 'f72-last');
      expect(refused.status).toBe(503);
      expect((await call('GET', `/api/v1/sessions/${session}`)).status).toBe(200);
      cluster.sql('ALTER SYSTEM RESET default_transaction_read_only');
      cluster.sql('SELECT pg_reload_conf()');
      await until('it may be written again', async () => (await newTask(session, 'f72-last')).status === 201);
      expect(cluster.sql("SELECT count(*) FROM tasks WHERE name = 'f72-last'").trim()).toBe('1');
      tally({ row: 'F-72', rounds: 1 });
    });

    test('F-73: its connections are ended, or a table stays locked: a bounded wait, 503, and all is well afterwards', async () => {
      const session = await place.session('f73');
      for (let round = 0; round < 5; round++) {
        cluster.sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        );
        const answer = await newTask(session, `f73-${round}`);
        expect([201, 503]).toContain(answer.status);
      }
      await works();
      const locked = place.start(
        'setpriv',
        [
          ...['--reuid', 'postgres', '--clear-groups', '--', 'psql', cluster.url(), '-qc'],
          'BEGIN; LOCK TABLE tasks; SELECT pg_sleep(12); COMMIT',
        ],
        { timeoutMs: 30_000 },
      );
      await until(
        'the table is locked',
        () =>
          cluster
            .sql(
              "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'tasks'::regclass",
            )
            .trim() === '1',
      );
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) => newTask(session, `f73-locked-${index}`)),
      );
      for (const answer of answers) {
        expect([201, 503]).toContain(answer.status);
        expect(answer.ms).toBeLessThan(20_000);
      }
      expect(answers.some(({ status }) => status === 503)).toBe(true);
      await locked.ended;
      await until('it works again', async () => (await newTask(session, 'f73-after')).status === 201);
      const longest = Math.max(...answers.map(({ ms }) => ms));
      tally({ row: 'F-73', rounds: 1, note: `longest call while locked ${Math.round(longest)} ms` });
    });

    test('F-74: it accepts and never answers: calls fail in bounded time, and the connections heal by themselves', async () => {
      const session = await place.session('f74');
      proxy.set('blackhole', 0, { keep: true });
      // also those that are open already say nothing more
      proxy.set('blackhole');
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => newTask(session, `f74-${index}`)),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(503);
        expect(answer.ms).toBeLessThan(15_000);
      }
      proxy.set('pass');
      const before = Date.now();
      await works();
      expect(Date.now() - before).toBeLessThan(15_000);
      const longest = Math.max(...answers.map(({ ms }) => ms));
      tally({
        row: 'F-74',
        rounds: 1,
        note: `longest call ${Math.round(longest)} ms, healed after ${Date.now() - before} ms`,
      });
    });
  },
);
