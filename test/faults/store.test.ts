import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makePlace, type Place, until } from '../e2e/place.ts';
import { faultyExecutable } from './lab/lab.ts';
import { has } from './lab/processes.ts';
import { tally } from './lab/rounds.ts';
import { callOnce, Speaker } from './lab/speaker.ts';

/** F. The embedded store and its disk: flushed before the answer, full, damaged. */

function openPlace(name: string): Place {
  const place = makePlace(name, existsSync(faultyExecutable) ? faultyExecutable : undefined);
  onTestFinished(() => place.close());
  return place;
}

/** The number that one statement gives about the store of a place. */
function ask(place: Place, statement: string): unknown {
  const database = new DatabaseSync(place.path('server/keruta.db'), { readOnly: true });
  const [value] = Object.values(database.prepare(statement).get() ?? {});
  database.close();
  return value;
}

describe('F-58: what is acknowledged is on the disk', () => {
  const noTrace =
    has('strace') && spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0
      ? null
      : 'needs strace';

  test.skipIf(noTrace)(
    'each answer goes out behind the flush of what it acknowledges (needs strace)',
    async () => {
      const place = openPlace('store-flush');
      const trace = place.path('trace');
      const token = `krt_adm_${'flush'.repeat(8)}`;
      const calls = 'read,write,writev,sendto,fsync,fdatasync';
      const server = ['server', '--port', '0', '--data-dir', place.path('server')];
      const words = ['-f', '-y', '-qq', '-s', '40', '-e', `trace=${calls}`, '-o', trace];
      const env = { ...place.env, KERUTA_ADMIN_TOKEN: token };
      const traced = place.start('strace', [...words, place.executable, ...server], {
        env,
        timeoutMs: 90_000,
      });
      const address = () => /keruta listens on (\S+)/.exec(traced.stdout())?.[1] ?? '';
      await until('it listens', () => address() !== '', 60_000);
      place.use(address(), token);
      const speaker = new Speaker(place, await place.session('f58'));
      for (let task = 0; task < 3; task++) await speaker.task(5);
      expect(speaker.refused).toBe(0);
      for (const { pid, command } of place.processes())
        if (command.startsWith(place.executable)) process.kill(pid, 'SIGTERM');
      await traced.ended;

      const answers = readAnswers(readFileSync(trace, 'utf8'));
      const writes = answers.filter(({ request }) => /^(POST|PATCH)/.test(request));
      expect(writes.length).toBeGreaterThanOrEqual(3 * 9);
      for (const { request, flushed } of writes) {
        expect(flushed, request).toContain('/keruta.db-wal');
        if (!request.startsWith('PATCH')) continue;
        // first the bytes, then the row that tells of them
        const bytes = flushed.findIndex((path) => path.includes('/blobs/'));
        expect(bytes, request).toBeGreaterThanOrEqual(0);
        expect(flushed.lastIndexOf('/keruta.db-wal'), request).toBeGreaterThan(bytes);
      }
      // names are on the disk before the first bytes under them are acknowledged: the file's, and its directories'
      const named = writes.filter(({ flushed }) => flushed.some((path) => /^\/blobs\/[^/]+\/1$/.test(path)));
      expect(named.length).toBe(3);
      for (const { request, flushed } of named) expect(flushed, request).toContain('/blobs');
      tally({ row: 'F-58', rounds: 1, note: `${writes.length} answers, each behind its flush` });

      interface Answered {
        readonly request: string;
        /** paths below the data directory, in the order in which their flushes ended */
        readonly flushed: readonly string[];
      }

      /** One client, one request at a time: what lies between a request and its answer belongs to it. */
      function readAnswers(text: string): readonly Answered[] {
        const found: Answered[] = [];
        const begun = new Map<string, string>();
        let [request, flushed] = ['', [] as string[]];
        for (const line of text.split('\n')) {
          const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
          const flush = /^f(?:data)?sync\(\d+<([^>]*)>(?:\) += 0| <unfinished)/.exec(rest)?.[1];
          if (flush !== undefined && rest.includes('unfinished')) begun.set(pid, flush);
          else if (flush !== undefined) flushed.push(below(flush));
          else if (/^<\.\.\. f(?:data)?sync resumed>\) += 0/.test(rest))
            flushed.push(below(begun.get(pid) ?? ''));
          const asked = /^(?:read\(\d+<[^>]*>, |<\.\.\. read resumed>)"((?:GET|HEAD|POST|PATCH) \S*)/.exec(
            rest,
          );
          if (asked) [request, flushed] = [asked[1] ?? '', []];
          if (!/"HTTP\/1\.1 2/.test(rest)) continue;
          found.push({ request, flushed });
          [request, flushed] = ['', []];
        }
        return found;
      }
      function below(path: string): string {
        const data = place.path('server');
        return path === data ? '/' : path.startsWith(data) ? path.slice(data.length) : path;
      }
    },
  );
});

const noDisk = process.getuid?.() === 0 && has('mount') ? null : 'needs root and mount';

test.skipIf(noDisk)(
  'F-59: the disk is full under running clients: not ready, reads go on, rows and bytes are those that were acknowledged (needs mount)',
  async () => {
    const place = openPlace('store-full');
    const disk = place.path('server');
    mkdirSync(disk);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', ['-l', disk]));
    const server = await place.server();
    const speakers: Speaker[] = [];
    for (const name of ['a', 'b']) speakers.push(new Speaker(place, await place.session(`f59 ${name}`)));
    let over = false;
    const work = Promise.all(speakers.map((speaker) => speaker.work(() => over)));
    work.catch(() => {});
    await until('work is done', () => speakers.every(({ journal }) => journal.length > 1));
    fill(`${disk}/ballast`);
    const isReady = async () => (await callOnce(place, 'GET', '/readyz')).status === 200;
    await until('it is not ready', async () => !(await isReady()));
    const told = await callOnce(place, 'GET', '/readyz');
    expect(told.text).toMatch(/no space is left/);
    expect(told.text).not.toMatch(/node_modules|INSERT|at \//);
    const before = speakers.map(({ refused }) => refused);
    await until('clients are refused', () =>
      speakers.every(({ refused }, at) => refused > (before[at] ?? 0)),
    );
    const first = speakers[0]?.journal[0]?.id ?? '';
    expect((await callOnce(place, 'GET', `/api/v1/tasks/${first}`)).status).toBe(200);
    expect(ask(place, 'PRAGMA integrity_check')).toBe('ok');
    rmSync(`${disk}/ballast`);
    await until('it is ready again', isReady);
    over = true;
    await work;
    await server.stop('SIGKILL');
    await place.server();
    let compared = 0;
    for (const speaker of speakers) compared += await speaker.check();
    const tasks = speakers.reduce((sum, { journal }) => sum + journal.length, 0);
    expect(ask(place, 'SELECT count(*) FROM tasks')).toBe(tasks);
    expect(ask(place, 'PRAGMA integrity_check')).toBe('ok');
    tally({ row: 'F-59', rounds: 1, note: `${tasks} tasks = rows, ${compared} bytes compared` });
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

describe('F-60: a store that was damaged while its server was dead', () => {
  function rewrite(path: string, change: (bytes: Buffer) => void): void {
    const bytes = readFileSync(path);
    change(bytes);
    writeFileSync(path, bytes);
  }

  test.each([
    [
      'its log of changes lost its end',
      (db: string) => truncateSync(`${db}-wal`, readFileSync(`${db}-wal`).length - 1000),
    ],
    ['its log of changes is empty', (db: string) => truncateSync(`${db}-wal`)],
    ['its log of changes is gone', (db: string) => rmSync(`${db}-wal`)],
    [
      'a byte of its log of changes is another',
      (db: string) => rewrite(`${db}-wal`, (bytes) => bytes.writeUInt8(bytes.readUInt8(9_000) ^ 1, 9_000)),
    ],
    [
      'a page is overwritten, and its log holds changes',
      (db: string) => rewrite(db, (bytes) => bytes.fill(0xff, 4096, 3 * 4096)),
    ],
    ['it is empty, and there never was output', (db: string) => truncateSync(db)],
    ['it is gone, and there never was output', (db: string) => rmSync(db)],
    [
      'a newer keruta changed it',
      (db: string) => {
        const newer = new DatabaseSync(db);
        newer.exec("INSERT INTO schema_versions VALUES (9999, 'from tomorrow', 0)");
        newer.close();
      },
    ],
  ])('%s: the start is refused with what to do, and every file is left as it is', async (what, damage) => {
    const place = openPlace('store-damaged');
    const file = place.path('server/keruta.db');
    const before = await place.server();
    const session = await place.session('kept');
    for (let task = 0; task < 20; task++) await place.submit(session, 'true');
    await before.stop('SIGTERM');
    const server = await place.server();
    for (let task = 0; task < 5; task++) await place.submit(session, 'true');
    await server.stop('SIGKILL');
    damage(file);
    const files = () =>
      [file, `${file}-wal`].map((path) =>
        createHash('sha256')
          .update(existsSync(path) ? readFileSync(path) : '')
          .digest('hex'),
      );
    const left = files();
    const refused = await place.keruta(['server', '--port', '0', '--data-dir', place.path('server')]);
    expect(refused).toMatchObject({ status: 5, signal: null, stdout: '' });
    expect(refused.stderr).toContain(file);
    expect(refused.stderr).toMatch(/restore (it from )?a backup/);
    expect(files()).toEqual(left);
    tally({ row: 'F-60', rounds: 1, note: what });
  });
});
