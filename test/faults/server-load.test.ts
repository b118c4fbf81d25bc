import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, pause, until } from '../e2e/place.ts';
import { dialTo } from './lab/dial.ts';
import { faultyExecutable, Lab } from './lab/lab.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';
import { heldUp, heldUpFromNow } from './lab/starvation.ts';

/** F. A server whose disk is full, and clients that are huge or many. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('server-load');
});
afterAll(() => lab.close());

const memoryMb = (pid: number, what: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) /
  1024;

const dial = () => dialTo(lab.server.port);
const authorization = () => `Authorization: Bearer ${lab.place.env.KERUTA_API_TOKEN}`;
const canMount = () => process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;

test.skipIf(!canMount())(
  'F-59: the disk of the store is full under running clients: not ready, writes are refused, reads go on, rows and bytes are those that were acknowledged (needs mount)',
  async () => {
    const place = makePlace('full-store', faultyExecutable);
    const disk = place.path('server');
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status === 0;
    onTestFinished(async () => {
      if (mounted) spawnSync('umount', ['-l', disk]);
      await place.close();
    });
    expect(mounted).toBe(true);
    const server = await place.server();
    const speakers: Speaker[] = [];
    for (const name of ['a', 'b']) speakers.push(new Speaker(place, await place.session(`f59 ${name}`)));
    let over = false;
    const work = Promise.all(speakers.map((speaker) => speaker.work(() => over)));
    work.catch(() => {});
    await until('work is done', () => speakers.every(({ journal }) => journal.length > 1));
    fill(`${disk}/ballast`);
    const isReady = async () => (await callOnce(place, 'GET', '/readyz')).status === 200;
    let told = await callOnce(place, 'GET', '/readyz');
    const isRefused = async () => {
      told = await callOnce(place, 'GET', '/readyz');
      return told.status === 503;
    };
    await until('it is not ready', isRefused, 60_000);
    expect(told.text).toMatch(/no space is left/);
    const before = speakers.map(({ refused }) => refused);
    await until('clients are refused', () =>
      speakers.every(({ refused }, at) => refused > (before[at] ?? 0)),
    );
    const wish = { json: { name: 'f59', description: 'x'.repeat(20_000) } };
    const refused = await callOnce(place, 'POST', '/api/v1/sessions', wish);
    expect([503, 507]).toContain(refused.status);
    for (const { text } of [told, refused]) expect(text).not.toMatch(/node_modules|SELECT|INSERT|at \//);
    const first = speakers[0]?.journal[0]?.id ?? '';
    expect((await callOnce(place, 'GET', `/api/v1/tasks/${first}`)).status).toBe(200);
    expect(ask('PRAGMA integrity_check')).toBe('ok');
    rmSync(`${disk}/ballast`);
    await until('it is ready again', isReady, 30_000);
    over = true;
    await work;
    await server.stop('SIGKILL');
    await place.server();
    let compared = 0;
    for (const speaker of speakers) compared += await speaker.check();
    const tasks = speakers.reduce((sum, { journal }) => sum + journal.length, 0);
    expect(ask('SELECT count(*) FROM tasks')).toBe(tasks);
    expect(ask('PRAGMA integrity_check')).toBe('ok');
    tally({ row: 'F-59', rounds: 1, note: `${tasks} tasks = rows, ${compared} bytes compared` });

    function ask(statement: string): unknown {
      const database = new DatabaseSync(`${disk}/keruta.db`, { readOnly: true });
      const [value] = Object.values(database.prepare(statement).get() ?? {});
      database.close();
      return value;
    }
  },
);

/** Takes the last byte of a disk. */
function fill(path: string): void {
  for (const bytes of [1 << 20, 1 << 12]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(bytes));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
}

describe('F-65: a request that is too large', () => {
  const send = async (head: string, body: () => Buffer | null) => {
    const { socket, text, closed } = dial();
    socket.write(head);
    let over = false;
    void closed.then(() => {
      over = true;
    });
    for (let piece = body(); piece !== null && !over && !/^HTTP\/1.1 [45]/.test(text()); piece = body()) {
      if (!socket.write(piece))
        await Promise.race([new Promise((done) => socket.once('drain', done)), closed]);
    }
    await until('it answers', () => over || /^HTTP\/1.1 \d/.test(text()), 30_000);
    socket.destroy();
    return Number(/^HTTP\/1.1 (\d+)/.exec(text())?.[1] ?? 0);
  };
  const head = (more: string) =>
    `POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n${authorization()}\r\nContent-Type: application/json\r\n${more}\r\n`;

  test('is refused early, and memory stays flat', async () => {
    const before = memoryMb(lab.server.pid, 'VmRSS');
    const megabyte = Buffer.alloc(1_000_000, 'a');
    const statuses = {
      // before any byte of it
      declared: await send(head('Content-Length: 1000000000\r\n'), () => null),
      chunked: await send(head('Transfer-Encoding: chunked\r\n'), () =>
        Buffer.concat([Buffer.from('f4240\r\n'), megabyte, Buffer.from('\r\n')]),
      ),
      headers: await send(
        head(Array.from({ length: 10_000 }, (_, index) => `X-${index}: y\r\n`).join('')),
        () => null,
      ),
      url: await send(`GET /api/v1/${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, () => null),
      deep: await (async () => {
        const body = Buffer.from(`{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
        let sent = false;
        return send(head(`Content-Length: ${body.length}\r\n`), () => {
          if (sent) return null;
          sent = true;
          return body;
        });
      })(),
    };
    const { chunked, ...others } = statuses;
    expect(others).toEqual({ declared: 413, headers: 431, url: 431, deep: 400 });
    // a client that goes on writing may find the connection gone before it reads the answer
    expect([413, 0]).toContain(chunked);
    const grown = memoryMb(lab.server.pid, 'VmRSS') - before;
    expect(grown).toBeLessThan(150);
    await lab.place.session('f65 still here');
    tally({ row: 'F-65', rounds: 5, note: `memory + ${Math.round(grown)} MB` });
  });
});

test('F-66: a server with few descriptors recovers by itself when too many connections go away', async () => {
  const place = makePlace('few-descriptors', faultyExecutable);
  onTestFinished(() => place.close());
  const server = place.start(
    '/bin/bash',
    ['-c', `ulimit -n 64; exec '${place.executable}' server --port 0 --data-dir '${place.path('server')}'`],
    { timeoutMs: 120_000 },
  );
  await until('it listens', () => /keruta listens on (\S+)/.test(server.stdout() + server.stderr()));
  const url = /keruta listens on (\S+)/.exec(server.stdout() + server.stderr())?.[1] ?? '';
  await until('there is a token', () => readToken() !== '');
  place.use(url, readToken());
  const sockets = Array.from({ length: 150 }, () =>
    connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {}),
  );
  await pause(500);
  for (const socket of sockets) socket.destroy();
  const before = Date.now();
  await until(
    'it serves again',
    () =>
      place.session(`f66 ${Date.now()}`).then(
        () => true,
        () => false,
      ),
    60_000,
  );
  expect(server.child.exitCode).toBeNull();
  tally({ row: 'F-66', rounds: 1, note: `serves again after ${Date.now() - before} ms` });

  function readToken(): string {
    try {
      return readFileSync(place.path('server/admin.token'), 'utf8').trim();
    } catch {
      return '';
    }
  }
});

test('F-67: readers of live events that never read cost a bounded buffer each, and others are served', async () => {
  const count = rounds(60, 200);
  const session = await lab.place.session('f67');
  const agent = await lab.agent(session, { direct: true });
  const before = memoryMb(lab.server.pid, 'VmRSS');
  const id = await lab.submit(
    session,
    `while [ ! -e '${lab.place.path('f67-go')}' ]; do sleep 0.05; done; head -c ${isFull ? 200_000_000 : 60_000_000} /dev/zero | tr '\\0' a | fold -w 200; exit 6`,
  );
  for (let reader = 0; reader < count; reader++) {
    const { socket } = dial();
    socket.pause();
    socket.write(`GET /api/v1/tasks/${id}/events HTTP/1.1\r\nHost: x\r\n${authorization()}\r\n\r\n`);
  }
  await lab.place.when(id, ({ status }) => status === 'PROCESSING');
  lab.place.file('f67-go', '');
  const [started, held, ofServer] = [Date.now(), heldUp(), heldUpFromNow(lab.server.pid)];
  await lab.place.session('f67 beside');
  expect(Date.now() - started).toBeLessThan(5000 + held() + ofServer());
  const task = await lab.place.when(id, ({ logComplete }) => logComplete === true, 100_000);
  expect(task).toMatchObject({ exitCode: 6 });
  const peak = memoryMb(lab.server.pid, 'VmHWM');
  expect(peak).toBeLessThan(512);
  await agent.stop('SIGKILL');
  tally({
    row: 'F-67',
    rounds: count,
    note: `memory ${Math.round(before)} MB before, at most ${Math.round(peak)} MB`,
  });
});
