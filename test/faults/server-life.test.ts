import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, pause, until } from '../e2e/place.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { chance, isFull, rounds, seed, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** F. The server's own process: killed, away, held twice, half dead. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('server-life');
});
afterAll(() => lab.close());

test('F-57: a server that is killed under load has everything that it acknowledged, byte for byte, and the runs are whole', async () => {
  const random = chance(seed);
  const count = rounds(4, 100);
  const session = await lab.place.session('f57');
  const agent = await lab.agent(session, { direct: true });
  const speakers = await Promise.all(
    ['a', 'b'].map(async (name) => new Speaker(lab.place, await lab.place.session(`f57 ${name}`))),
  );
  const other = await lab.place.session('f57 created');
  let [over, lines] = [false, 0];
  /** creates tasks, fewer than a session may have waiting; only an answer counts */
  const client = async () => {
    while (!over)
      await lab.submit(other, 'true').then(
        () => pause(5),
        () => pause(20),
      );
  };
  const acknowledged = () => speakers.reduce((sum, { journal }) => sum + journal.length, lab.journal.length);
  const ledgers = async () => {
    while (!over) {
      const ledger = await lab.ledger(session, { lines: 500, pauseSeconds: 0.02 }).catch(() => null);
      if (ledger === null) await pause(50);
      else {
        // an agent that finds the server dead time and again waits for half a minute before it asks once more, and
        // may do so until all rounds are over
        await lab.check(ledger, {}, 1_600_000);
        lines += 1000;
      }
    }
  };
  const work = Promise.all([ledgers(), client(), ...speakers.map((speaker) => speaker.work(() => over))]);
  work.catch(() => {
    over = true;
  });
  for (let round = 0; round < count && !over; round++) {
    // a busy machine needs its time until there is something to lose
    const before = acknowledged();
    await until('it has answered', () => over || acknowledged() > before, 60_000);
    await pause(random() * 800);
    await lab.restartServer('SIGKILL', random() * 300);
  }
  over = true;
  await work;
  await lab.checkJournal();
  let compared = 0;
  for (const speaker of speakers) compared += await speaker.check();
  const refused = speakers.reduce((sum, speaker) => sum + speaker.refused, 0);
  expect(refused, 'the kills hit somebody').toBeGreaterThan(0);
  await agent.stop('SIGKILL');
  tally({
    ...{ row: 'F-57', rounds: count, lines },
    note: `${acknowledged()} acknowledged ids and ${compared} bytes, none missing`,
  });
});

describe('a server that dies at a narrow place', () => {
  test.each([
    ['mid_append', 'between the bytes of a log and their row'],
    ['before_ack', 'between the end of an attempt and its answer'],
  ])('F-57: %s: %s: the agent goes on and everything is there once', async (failpoint) => {
    const place = makePlace(`server-${failpoint}`, faultyExecutable);
    onTestFinished(() => place.close());
    const first = await place.server();
    const { port } = first;
    await place.quiet(await place.session('warm'));
    // the same server again, this time with the failpoint
    await first.stop('SIGKILL');
    const dying = await place.server([], {
      port,
      env: { ...place.env, KERUTA_FAILPOINT: `${failpoint}:kill` },
    });
    const session = await place.session('dying');
    await place.daemon(session, ['--base-dir', place.path('base')]);
    const id = await place.submit(session, 'seq 1 5000; seq 1 5000 >&2; exit 4');
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    await place.server([], { port });
    const task = await place.when(id, ({ logComplete }) => logComplete === true, 60_000);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 4, attempt: 1, reason: null });
    const whole = Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join('');
    expect(await place.logs(id, 'stdout')).toBe(whole);
    expect(await place.logs(id, 'stderr')).toBe(whole);
    tally({ row: 'F-57', rounds: 1, lines: 10_000, note: failpoint });
  });

  test.each([1, 4, 9])(
    'F-77: mid_migration at statement %i: the next start finishes what was begun',
    async (time) => {
      const place = makePlace('server-migration', faultyExecutable);
      onTestFinished(() => place.close());
      const words = ['server', '--port', '0', '--data-dir', place.path('server')];
      const env = { ...place.env, KERUTA_FAILPOINT: `mid_migration:kill@${time}` };
      expect(await place.keruta(words, { env })).toMatchObject({ signal: 'SIGKILL' });
      await place.server();
      await place.session('works');
      tally({ row: 'F-77', rounds: 1, note: `SQLite, statement ${time}` });
    },
  );
});

test('F-61: a second server on the same data directory is refused at once, and told who has it', async () => {
  const [before, held] = [Date.now(), heldUp()];
  const words = ['server', '--port', '0', '--data-dir', lab.place.path('server')];
  const started = lab.place.start(lab.place.executable, words);
  goFirst(started.pid);
  const second = await started.ended;
  const tookMs = Date.now() - before;
  expect(second).toMatchObject({ status: 5, stdout: '' });
  expect(second.stderr).toContain(lab.place.path('server'));
  expect(second.stderr).toContain(`process ${lab.server.pid}`);
  expect(second.stderr).toContain(lab.server.url);
  expect(tookMs).toBeLessThan((isFull ? 2_000 : 10_000) + held());
  await lab.place.session('f61 the first goes on');
  tally({ row: 'F-61', rounds: 1, note: `refused after ${tookMs} ms, by name` });
});

describe.concurrent('leases', () => {
  test('F-62: the server is away for longer than a lease: no task is given up by that alone', async ({
    onTestFinished,
  }) => {
    const [leaseMs, graceMs, awayMs] = isFull ? [45_000, 60_000, 300_000] : [12_000, 30_000, 15_000];
    const env = { KERUTA_LEASE: `${leaseMs}ms`, KERUTA_BOOT_GRACE: `${graceMs}ms` };
    const away = await Lab.open('server-away', [], env);
    onTestFinished(() => away.close());
    const session = await away.place.session('f62');
    await away.agent(session, { direct: true });
    const ledger = await away.ledger(session, { lines: 2_500, pauseSeconds: isFull ? 13 : 0.8 });
    await until('it runs', async () => (await away.place.logs(ledger.id)).length > 100);
    await away.restartServer('SIGKILL', awayMs);
    await away.check(ledger, {}, awayMs + 120_000);
    expect(away.countLost()).toBe(0);
    tally({ row: 'F-62', rounds: 1, lines: 5_000, note: `away ${awayMs} ms, lease ${leaseMs} ms, LOST 0` });
  });

  test.skipIf(!isFull)(
    'F-62: the server stands still for longer than a lease: no task is given up by that alone (all rounds only)',
    async ({ onTestFinished }) => {
      const still = await Lab.open('server-still', [], { KERUTA_LEASE: '5s', KERUTA_BOOT_GRACE: '15s' });
      onTestFinished(() => still.close());
      const session = await still.place.session('f62');
      await still.agent(session, { direct: true });
      const ledger = await still.ledger(session, { lines: 2_000, pauseSeconds: 2 });
      await until('it runs', async () => (await still.place.logs(ledger.id)).length > 100);
      process.kill(still.server.pid, 'SIGSTOP');
      await pause(20_000);
      process.kill(still.server.pid, 'SIGCONT');
      await still.check(ledger, {}, 120_000);
      expect(still.countLost()).toBe(0);
      tally({ row: 'F-62', rounds: 1, lines: 4_000, note: 'stopped for 20 s, lease 5 s, LOST 0' });
    },
  );

  test('F-69: when nobody looks at leases any more, the server says that it is not ready, and why', async ({
    onTestFinished,
  }) => {
    const place = makePlace('server-sweep', faultyExecutable);
    onTestFinished(() => place.close());
    await place.server([], { env: { ...place.env, KERUTA_FAILPOINT: 'in_sweep:throw@2' } });
    // a disk that is slow at its start makes it less than healthy for a moment
    await until('it is well', async () => {
      const { status, text } = await callOnce(place, 'GET', '/readyz');
      if (status !== 200) return false;
      const { status: word, health } = JSON.parse(text) as { status: string; health: string };
      return word === 'UP' && health === 'healthy';
    });
    const before = Date.now();
    const isReady = async () => (await callOnce(place, 'GET', '/readyz')).status !== 503;
    await until('it is not ready', async () => !(await isReady()), 60_000);
    const tookMs = Date.now() - before;
    for (const path of ['/readyz', '/healthz', '/api/v1/health']) {
      const { status, text } = await callOnce(place, 'GET', path);
      expect([status, JSON.parse(text)]).toMatchObject([503, { status: 'DOWN', health: 'unhealthy' }]);
      expect(text).toContain('leases are no longer looked at: failpoint in_sweep');
    }
    await place.session('f69 the rest goes on');
    tally({ row: 'F-69', rounds: 1, note: `not ready ${tookMs} ms after the start` });
  });
});
