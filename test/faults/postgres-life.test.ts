import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place, pause, type RunningServer, until } from '../e2e/place.ts';
import { Cluster, findPrograms } from './lab/cluster.ts';
import { faultyExecutable } from './lab/lab.ts';
import { ledgerFaults, ledgerScript } from './lab/ledger.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { callOnce } from './lab/speaker.ts';
import { heldUp } from './lab/starvation.ts';

/** G. PostgreSQL that crashes, is read-only, is locked, or does not answer. */
describe.skipIf(findPrograms() === null)(
  'a server on PostgreSQL (skipped without its server programs, or not as root)',
  () => {
    let cluster: Cluster;
    let place: Place;
    let server: RunningServer;
    const token = `krt_adm_${'faults'.repeat(7)}`;

    beforeAll(async () => {
      cluster = await Cluster.start();
      place = makePlace('postgres-life', faultyExecutable);
      server = await place.server(['--database-url', cluster.url()], {
        env: { ...place.env, KERUTA_ADMIN_TOKEN: token },
        token,
      });
    });
    afterAll(async () => {
      await place?.close();
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

    test('F-72: it is read-only: not ready, 503 for what writes, reads go on, and nothing is acknowledged', async () => {
      const session = await place.session('f72');
      const health = () => call('GET', '/readyz');
      expect((await health()).status).toBe(200);
      cluster.sql('ALTER SYSTEM SET default_transaction_read_only = on');
      cluster.sql('SELECT pg_reload_conf()');
      await until(
        'it is read-only',
        async () => (await newTask(session, `f72-${Math.random()}`)).status !== 201,
      );
      await until('it is not ready', async () => (await health()).status === 503);
      await until('it says why', async () => (await health()).text.includes('read-only transaction'));
      const refused = await newTask(session, 'f72-last');
      expect(refused.status).toBe(503);
      expect((await call('GET', `/api/v1/sessions/${session}`)).status).toBe(200);
      cluster.sql('ALTER SYSTEM RESET default_transaction_read_only');
      cluster.sql('SELECT pg_reload_conf()');
      await until('it may be written again', async () => (await newTask(session, 'f72-last')).status === 201);
      await until('it is ready again', async () => (await health()).status === 200);
      expect(cluster.sql("SELECT count(*) FROM tasks WHERE name = 'f72-last'").trim()).toBe('1');
      tally({ row: 'F-72', rounds: 1 });
    });

    describe.concurrent('calls are bounded', () => {
      test('F-73: its connections are ended, or a table stays locked: a bounded wait, 503, and all is well afterwards', async () => {
        const session = await place.session('f73');
        for (let round = 0; round < 5; round++) {
          cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'",
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

      test('F-74: its connections go silent, open ones and new ones: every call fails in bounded time, no silent connection is used again, and stopping does not wait', async ({
        onTestFinished,
      }) => {
        cluster.sql('CREATE DATABASE f74');
        const proxy = await FlakyProxy.listen(cluster.port);
        const apart = makePlace('postgres-silent', faultyExecutable);
        onTestFinished(async () => {
          await apart.close();
          proxy.close();
        });
        const silent = await apart.server(['--database-url', cluster.url(proxy.port, 'f74')], {
          env: { ...apart.env, KERUTA_ADMIN_TOKEN: token },
          token,
        });
        const sessionId = await apart.session('f74');
        const many = (word: string) =>
          Promise.all(
            Array.from({ length: 20 }, (_, at) =>
              callOnce(apart, 'POST', '/api/v1/tasks', {
                json: { sessionId, name: `${word} ${at}`, script: 'true', autoFix: false },
                headers: { 'idempotency-key': `${word}-${at}` },
              }),
            ),
          );
        const isReady = async () => (await callOnce(apart, 'GET', '/readyz')).status === 200;
        /** All of them are taken, at the first time; the proxy is in this process, and may be held up itself */
        const allTaken = async (word: string) => {
          const held = heldUp();
          const first = await many(word);
          if (held() < 1_000) expect(first.map(({ status }) => status)).toEqual(Array(20).fill(201));
          await until(`all of ${word} are taken`, async () =>
            (await many(word)).every((one) => [200, 201].includes(one.status)),
          );
        };
        // every connection of the pool is open
        await allTaken('before');
        const longest: number[] = [];
        const healed: number[] = [];
        for (const which of ['open', 'new']) {
          // new ones: those that are open end, and those in their place are accepted and never answered
          proxy.set('blackhole', 0, { keep: which === 'open' });
          const answers = await many(which);
          expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(503));
          longest.push(Math.round(Math.max(...answers.map(({ tookMs }) => tookMs))));
          // health is looked at now and then: by now it has been
          expect(await isReady()).toBe(false);
          proxy.set('pass', 0, { keep: true });
          const before = Date.now();
          await until('it is ready', isReady, 30_000);
          healed.push(Date.now() - before);
          await allTaken(`after ${which}`);
        }
        expect(Math.max(...longest)).toBeLessThan(isFull ? 10_000 : 20_000);
        expect(Math.max(...healed)).toBeLessThan(15_000);
        // also the farewell to a silent server is short
        proxy.set('blackhole', 0, { keep: true });
        const stopping = Date.now();
        expect(await silent.stop('SIGTERM')).toMatchObject({ signal: null });
        const stoppedMs = Date.now() - stopping;
        expect(stoppedMs).toBeLessThan(isFull ? 15_000 : 30_000);
        tally({
          ...{ row: 'F-74', rounds: 2 },
          note: `longest call ${longest.join(', ')} ms, ready after ${healed.join(', ')} ms, stopped in ${stoppedMs} ms`,
        });
      });
    });
  },
);
