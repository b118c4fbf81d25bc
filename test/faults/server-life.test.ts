import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, pause, until } from '../e2e/place.ts';
import { dialTo } from './lab/dial.ts';
import {
  applyFiring,
  askEmbedded,
  checkRecord,
  decided,
  everySeconds,
  expectedInstants,
  type FiringPlan,
  firingEnv,
  sendAll,
} from './lab/firing.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { livePieces } from './lab/reader.ts';
import { chance, isFull, rounds, seed, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** F. The server's own process: killed, away, held twice, told to stop, half dead. */
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
    const port = (await place.server([], {})).port;
    await place.quiet(await place.session('warm'));
    // the same server again, this time with the failpoint
    for (const { pid, command } of place.processes())
      if (command.includes(' server ')) process.kill(pid, 'SIGKILL');
    await pause(50);
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
    const [leaseMs, graceMs, awayMs] = isFull ? [45_000, 60_000, 300_000] : [4_000, 12_000, 6_000];
    const env = { KERUTA_LEASE: `${leaseMs}ms`, KERUTA_BOOT_GRACE: `${graceMs}ms` };
    const away = await Lab.open('server-away', [], env);
    onTestFinished(() => away.close());
    const session = await away.place.session('f62');
    await away.agent(session, { direct: true });
    const ledger = await away.ledger(session, { lines: 2_500, pauseSeconds: isFull ? 13 : 0.3 });
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
    const first = await callOnce(place, 'GET', '/readyz');
    expect([first.status, JSON.parse(first.text)]).toMatchObject([200, { status: 'UP', health: 'healthy' }]);
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

test('F-63: SIGTERM with requests under way: each gets its answer or none, and no task is half there', async () => {
  const place = makePlace('server-term', faultyExecutable);
  onTestFinished(() => place.close());
  const server = await place.server();
  const session = await place.session('f63');
  const acknowledged: string[] = [];
  let [over, failed] = [false, 0];
  const client = async () => {
    while (!over) {
      const id = await place.submit(session, 'true').catch(() => null);
      if (id === null) failed += 1;
      else acknowledged.push(id);
      if (id === null) return;
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await until('they are answered', () => acknowledged.length > 10);
  const before = Date.now();
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const tookMs = Date.now() - before;
  over = true;
  await clients;
  expect(tookMs).toBeLessThan(10_000);
  await place.server([], { port: server.port });
  for (const id of acknowledged) expect(await place.task(id)).toMatchObject({ status: 'PENDING' });
  expect(acknowledged.length).toBeGreaterThan(10);
  expect(failed).toBeGreaterThan(0);
  tally({ row: 'F-63', rounds: 1, note: `${acknowledged.length} acknowledged; ended after ${tookMs} ms` });
});

test('F-63: SIGTERM while triggers fall due, deliveries come, a reader follows and an agent works: ends within ten seconds, and the next start leaves out and repeats nothing', async () => {
  const place = makePlace('server-term-firing', faultyExecutable);
  onTestFinished(() => place.close());
  const start = (port = 0) => place.server([], { port, env: { ...place.env, ...firingEnv } });
  let server = await start();
  const plan: FiringPlan = {
    ...{ timed: 20, gridsMs: [1_000], deliveries: 200, overMs: 8_000, isPaused: false, leastFaults: 0 },
    trigger: everySeconds,
  };
  const ask = askEmbedded(place);
  const session = await place.session('f63');
  await place.daemon(session);
  const go = place.path('go');
  const script = `echo one; while [ ! -e ${go} ]; do sleep 0.05; done; echo two; exit 9`;
  const running = await place.submit(session, script);
  let seen = '';
  const follow = async () => {
    for await (const { text } of livePieces(place, running)) seen += text;
  };
  const reader = follow().catch(() => {});
  await until('the reader sees it', () => seen === 'one\n', 60_000);
  await applyFiring(place, plan);
  const sending = sendAll({ plan, random: chance(seed), url: () => server.url });
  const delivered = () => Number(ask("SELECT count(*) FROM occurrences WHERE source = 'webhook'")[0]?.[0]);
  await until('both come', () => decided(ask, Date.now()) > plan.timed && delivered() > 20, 60_000);
  const [before, held] = [Date.now(), heldUp()];
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0, signal: null });
  const tookMs = Date.now() - before;
  expect(tookMs).toBeLessThan(10_000 + held());
  await reader;
  expect(delivered(), 'some were still to come').toBeLessThan(plan.deliveries);
  // something falls due while nobody is there
  const away = Math.floor(Date.now() / 1_000);
  await until('a second begins', () => Math.floor(Date.now() / 1_000) > away);
  server = await start(server.port);
  const { answers, tries } = await sending;
  place.file('go', '');
  expect(await place.whole(running, 60_000)).toMatchObject({ status: 'FAILED', exitCode: 9, attempt: 1 });
  expect(await place.logs(running)).toBe('one\ntwo\n');
  const now = Date.now();
  await until('all is decided', () => decided(ask, now) >= expectedInstants(ask, plan, now), 60_000);
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const { instants } = checkRecord(ask, { plan, until: now, answers });
  const note = `${instants} instants, ${answers.size} deliveries in ${tries} tries; ended after ${tookMs} ms`;
  tally({ row: 'F-63', rounds: 1, note });
});

test('F-63: SIGTERM with bodies half here and a reader of live events: ended within ten seconds, and all of it goes on', async () => {
  const place = makePlace('server-term-bodies', faultyExecutable);
  onTestFinished(() => place.close());
  const server = await place.server();
  const session = await place.session('f63 bodies');
  const task = await place.submit(session, 'true');
  const claim = { agentId: 'agent', claimId: 'claim', waitMs: 1000 };
  await place.api('POST', `/sessions/${session}/claim`, claim);
  const [file, output] = [randomBytes(3_000_000), Buffer.from('a line of output\n'.repeat(100_000))];
  const sha256 = createHash('sha256').update(file).digest('hex');
  const wish = { attempt: 1, path: 'file', size: file.length, sha256 };
  const uploads = `/tasks/${task}/artifacts/uploads`;
  const { uploadId } = await place.api<{ uploadId: string }>('POST', uploads, wish);
  const upload = { path: `/api/v1${uploads}/${uploadId}`, bytes: file, done: 201 };
  const stdout = { path: `/api/v1/tasks/${task}/attempts/1/streams/stdout`, bytes: output, done: 204 };
  /** Bytes of the largest file of the server that has this in its path: what it says of itself it says behind a body. */
  const resting = (part: string) =>
    readdirSync(place.path('server'), { recursive: true, withFileTypes: true })
      .map((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : ''))
      .filter((path) => path.includes(part))
      .reduce((most, path) => Math.max(most, statSync(path).size), 0);
  const offsetOf = async (path: string) => (await callOnce(place, 'HEAD', path)).offset;
  const first = { bytes: output.subarray(0, 1700), headers: { 'upload-offset': '0' } };
  expect((await callOnce(place, 'PATCH', stdout.path, first)).status).toBe(204);
  let live = '';
  const reading = (async () => {
    for await (const { text } of livePieces(place, task)) live += text;
  })().catch(() => {});

  // of each body half comes, and the other half does not
  for (const { path, bytes } of [upload, stdout]) {
    const from = await offsetOf(path);
    const lines = [
      ...[`PATCH ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${place.env.KERUTA_API_TOKEN}`],
      ...['Content-Type: application/octet-stream', `Upload-Offset: ${from}`],
      `Content-Length: ${bytes.length - from}`,
    ];
    const { socket } = dialTo(server.port);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(bytes.subarray(from, bytes.length / 2));
  }
  const isHere = () => resting('artifacts') > 100_000 && resting('stdout') > 100_000 && live !== '';
  await until('half of each body is here', isHere);

  const before = Date.now();
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const tookMs = Date.now() - before;
  await reading;
  expect(tookMs).toBeLessThan(10_000);
  expect(output.toString().startsWith(live)).toBe(true);

  await place.server([], { port: server.port });
  for (const { path, bytes, done } of [upload, stdout]) {
    const from = await offsetOf(path);
    expect(from).toBeGreaterThan(100_000);
    expect(from).toBeLessThanOrEqual(bytes.length / 2);
    const call = { bytes: bytes.subarray(from), headers: { 'upload-offset': String(from) } };
    expect((await callOnce(place, 'PATCH', path, call)).status).toBe(done);
  }
  const at = new Date(0).toISOString();
  await place.api('POST', `/tasks/${task}/attempts/1/finish`, {
    ...{ exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at, controlSeq: 0, usage: null },
    streams: { stdout: { size: output.length, crc32: crc32(output) }, stderr: { size: 0, crc32: 0 } },
    artifacts: [{ path: 'file', sha256 }],
  });
  expect(await place.logs(task, 'stdout')).toBe(output.toString());
  expect(await place.artifacts(task)).toMatchObject([{ path: 'file', size: file.length, sha256 }]);
  let again = '';
  for await (const { text } of livePieces(place, task)) again += text;
  expect(again).toBe(output.toString());
  expect(await place.task(task)).toMatchObject({ status: 'COMPLETED', logComplete: true, attempt: 1 });
  tally({ row: 'F-63', rounds: 1, note: `two bodies half here, a live reader; ended after ${tookMs} ms` });
});
