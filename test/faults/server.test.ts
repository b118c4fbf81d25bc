import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, pause, until } from '../e2e/place.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { chance, isFull, rounds, seed, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';

/** F. The server's own process: killed while everybody writes, away for long, held twice, half dead. */

async function openLab(name: string, env: Readonly<Record<string, string>> = {}): Promise<Lab> {
  const lab = await Lab.open(name, [], env);
  onTestFinished(() => lab.close());
  return lab;
}

function openPlace(name: string): Place {
  const place = makePlace(name, existsSync(faultyExecutable) ? faultyExecutable : undefined);
  onTestFinished(() => place.close());
  return place;
}

/** How often the server of a place has given up a task, from its audit. */
function countLost(place: Place): number {
  const database = new DatabaseSync(place.path('server/keruta.db'), { readOnly: true });
  const row = database.prepare("SELECT count(*) AS count FROM audit WHERE action = 'task.lost'").get();
  database.close();
  return Number(row?.count);
}

test('F-57: killed while four clients create, append, upload and finish: all that it acknowledged is there, byte for byte', async () => {
  const lab = await openLab('server-journal');
  const random = chance(seed);
  const count = rounds(5, 100);
  const speakers: Speaker[] = [];
  for (const name of ['a', 'b', 'c', 'd'])
    speakers.push(new Speaker(lab.place, await lab.place.session(`f57 ${name}`)));
  let over = false;
  const work = Promise.all(speakers.map((speaker) => speaker.work(() => over)));
  work.catch(() => {
    over = true;
  });
  for (let round = 0; round < count && !over; round++) {
    await pause(150 + random() * 500);
    await lab.restartServer('SIGKILL', random() * 200);
  }
  over = true;
  await work;
  let compared = 0;
  for (const speaker of speakers) compared += await speaker.check();
  const tasks = speakers.reduce((sum, { journal }) => sum + journal.length, 0);
  const refused = speakers.reduce((sum, speaker) => sum + speaker.refused, 0);
  expect(refused, 'the kills hit somebody').toBeGreaterThan(0);
  tally({
    ...{ row: 'F-57', rounds: count },
    note: `by hand: ${tasks} tasks, ${compared} bytes compared, ${refused} calls repeated, nothing missing`,
  });
}, 600_000);

test('F-61: a second server on the same data directory is refused at once, and told who has it', async () => {
  const lab = await openLab('server-twice');
  const words = ['server', '--port', '0', '--data-dir', lab.place.path('server')];
  const before = Date.now();
  const second = await lab.place.keruta(words);
  const tookMs = Date.now() - before;
  expect(second).toMatchObject({ status: 5, stdout: '' });
  expect(second.stderr).toContain(`process ${lab.server.pid}`);
  expect(second.stderr).toContain(lab.server.url);
  expect(tookMs).toBeLessThan(isFull ? 2_000 : 10_000);
  await lab.place.session('f61 the first goes on');
  tally({ row: 'F-61', rounds: 1, note: `refused after ${tookMs} ms, by name` });
});

test('F-62: away for longer than the lease, it gives up no task by that alone', async () => {
  const [leaseMs, graceMs, awayMs] = isFull ? [45_000, 60_000, 300_000] : [4_000, 12_000, 6_000];
  const env = { KERUTA_LEASE: `${leaseMs}ms`, KERUTA_BOOT_GRACE: `${graceMs}ms` };
  const lab = await openLab('server-away', env);
  const session = await lab.place.session('f62');
  const agent = await lab.agent(session, { direct: true });
  const ledger = await lab.ledger(session, { lines: 2_500, pauseSeconds: isFull ? 13 : 0.5 });
  await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 100);
  await lab.restartServer('SIGKILL', awayMs);
  await lab.check(ledger, {}, awayMs + 120_000);
  expect(countLost(lab.place)).toBe(0);
  await agent.stop('SIGKILL');
  tally({ row: 'F-62', rounds: 1, lines: 5_000, note: `away ${awayMs} ms, lease ${leaseMs} ms, LOST 0` });
}, 900_000);

test.skipIf(!isFull)(
  'F-62: stopped in its tracks for longer than the lease, it gives up no task by that alone (all rounds only)',
  async () => {
    const lab = await openLab('server-stopped', { KERUTA_LEASE: '5s', KERUTA_BOOT_GRACE: '15s' });
    const session = await lab.place.session('f62');
    const agent = await lab.agent(session, { direct: true });
    const ledger = await lab.ledger(session, { lines: 2_000, pauseSeconds: 2 });
    await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 100);
    process.kill(lab.server.pid, 'SIGSTOP');
    await pause(20_000);
    process.kill(lab.server.pid, 'SIGCONT');
    await lab.check(ledger, {}, 120_000);
    expect(countLost(lab.place)).toBe(0);
    await agent.stop('SIGKILL');
    tally({ row: 'F-62', rounds: 1, lines: 4_000, note: 'stopped for 20 s, lease 5 s, LOST 0' });
  },
);

test('F-69: when nobody looks at leases any more, it says that it is not ready, and why', async () => {
  const place = openPlace('server-sweep');
  await place.server([], { env: { ...place.env, KERUTA_FAILPOINT: 'in_sweep:throw@2' } });
  const first = await callOnce(place, 'GET', '/readyz');
  expect([first.status, JSON.parse(first.text)]).toMatchObject([200, { status: 'UP', health: 'healthy' }]);
  const before = Date.now();
  await until(
    'it is not ready',
    async () => (await callOnce(place, 'GET', '/readyz')).status === 503,
    60_000,
  );
  for (const path of ['/readyz', '/healthz', '/api/v1/health']) {
    const { status, text } = await callOnce(place, 'GET', path);
    expect([status, JSON.parse(text)]).toMatchObject([503, { status: 'DOWN', health: 'unhealthy' }]);
    expect(text).toContain('leases are no longer looked at: failpoint in_sweep');
  }
  await place.session('f69 the rest goes on');
  tally({ row: 'F-69', rounds: 1, note: `not ready ${Date.now() - before} ms after the start` });
});
