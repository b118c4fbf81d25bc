import { createHash } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, pause } from '../e2e/place.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { chance, rounds, seed, tally } from './lab/rounds.ts';

/** F. The server's own process and its embedded store. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('server-life');
});
afterAll(() => lab.close());

test('F-57: a server that is killed under load has everything that it acknowledged, and the logs are whole', async () => {
  const random = chance(seed);
  const count = rounds(4, 100);
  const sessions = await Promise.all(['a', 'b'].map((name) => lab.place.session(`f57 ${name}`)));
  const agents = await Promise.all(sessions.map((session) => lab.agent(session, { direct: true })));
  const other = await lab.place.session('f57 created');
  let [over, lines] = [false, 0];
  /** creates tasks as fast as it can; only an answer counts */
  const client = async () => {
    while (!over) await lab.submit(other, 'true').catch(() => pause(20));
  };
  const ledgers = async (session: string) => {
    while (!over) {
      const ledger = await lab.ledger(session, { lines: 500, pauseSeconds: 0.02 }).catch(() => null);
      if (ledger === null) await pause(50);
      else {
        await lab.check(ledger, {}, 90_000);
        lines += 1000;
      }
    }
  };
  const work = Promise.all([...sessions.map(ledgers), client(), client()]);
  work.catch(() => {
    over = true;
  });
  for (let round = 0; round < count && !over; round++) {
    await pause(300 + random() * 900);
    await lab.restartServer('SIGKILL', random() * 300);
  }
  over = true;
  await work;
  await lab.checkJournal();
  for (const agent of agents) await agent.stop('SIGKILL');
  tally({ row: 'F-57', rounds: count, lines, note: `${lab.journal.length} acknowledged ids, none missing` });
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

describe('F-60: a store that is damaged', () => {
  const file = (place: Place) => place.path('server/keruta.db');
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

  /** A store with something in it, at rest. */
  async function filled(name: string): Promise<Place> {
    const place = makePlace(name, faultyExecutable);
    onTestFinished(() => place.close());
    const server = await place.server();
    const session = await place.session('kept');
    for (let task = 0; task < 50; task++) await place.submit(session, 'true');
    const agent = await place.daemon(session, ['--base-dir', place.path('base')]);
    await place.ended(await place.submit(session, 'echo kept', { priority: 9 }));
    await agent.stop('SIGKILL');
    await server.stop('SIGTERM');
    return place;
  }

  test.each([
    [
      'a page is overwritten',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, 4096 * 2, 4096 * 4);
        writeFileSync(path, bytes);
      },
    ],
    ['it is cut in the middle', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    [
      'it is no database',
      (path: string) => writeFileSync(path, 'not a database, but somebody’s notes\n'.repeat(200)),
    ],
    ['it is empty although there are blobs', (path: string) => truncateSync(path, 0)],
  ])('%s: the start is refused with what to do, and the file is left as it is', async (what, damage) => {
    const place = await filled('damaged');
    damage(file(place));
    const before = hash(file(place));
    const refused = await place.keruta(['server', '--port', '0', '--data-dir', place.path('server')], {
      timeoutMs: 15_000,
    });
    expect([refused.status, refused.signal]).not.toEqual([0, null]);
    expect(refused.signal).toBeNull();
    expect(refused.stderr).toContain(file(place));
    expect(refused.stderr).toMatch(/backup|restore/);
    expect(hash(file(place))).toBe(before);
    tally({ row: 'F-60', rounds: 1, note: what });
  });
});

test('F-61: a second server on the same data directory is refused, and the first goes on', async () => {
  const before = Date.now();
  const words = ['server', '--port', '0', '--data-dir', lab.place.path('server')];
  const second = await lab.place.keruta(words);
  expect(second.status).toBe(5);
  expect(second.stderr).toContain(lab.place.path('server'));
  expect(Date.now() - before).toBeLessThan(10_000);
  await lab.place.session('f61 still here');
  tally({ row: 'F-61', rounds: 1, note: `refused after ${Date.now() - before} ms` });
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
  await pause(400);
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
