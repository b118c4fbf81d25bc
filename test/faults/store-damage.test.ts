import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place } from '../e2e/place.ts';
import { faultyExecutable } from './lab/lab.ts';
import { isFull, tally } from './lab/rounds.ts';
import { Speaker } from './lab/speaker.ts';

/** F. The embedded store is not what it was when its server ended. Each row damages a copy of one that was. */
let place: Place;
let copies = 0;
const token = `krt_adm_${'damage'.repeat(7)}`;

const serve = (directory: string) =>
  place.server(['--data-dir', directory], { env: { ...place.env, KERUTA_ADMIN_TOKEN: token }, token });

beforeAll(async () => {
  place = makePlace('store-damage', faultyExecutable);
  // one that was stopped, with output
  const stopped = await serve(place.path('stopped'));
  const speaker = new Speaker(place, await place.session('kept'));
  for (let task = 0; task < 20; task++) await place.submit(await place.session(`kept ${task}`), 'true');
  await speaker.task();
  await stopped.stop('SIGTERM');
  // one that was killed, without any: what was acknowledged last stands in its log of changes only
  const first = await serve(place.path('killed'));
  const session = await place.session('kept');
  for (let task = 0; task < 20; task++) await place.submit(session, 'true');
  await first.stop('SIGTERM');
  const killed = await serve(place.path('killed'));
  for (let task = 0; task < 5; task++) await place.submit(session, 'true');
  await killed.stop('SIGKILL');
}, 120_000);
afterAll(() => place?.close());

/** @returns the data directory of a copy */
function copyOf(name: 'stopped' | 'killed'): string {
  const copy = place.path(`copy-${++copies}`);
  cpSync(place.path(name), copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** Digests of the database, its log of changes and all output, by path; an empty file is as good as none. */
function digests(directory: string): Readonly<Record<string, string>> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^keruta\.db(-wal)?$|^blobs\/.*\/[^/]+$/.test(path),
  );
  const files = paths.filter((path) => {
    const found = statSync(`${directory}/${path}`);
    return found.isFile() && found.size > 0;
  });
  const hash = (path: string) =>
    createHash('sha256')
      .update(readFileSync(`${directory}/${path}`))
      .digest('hex');
  return Object.fromEntries(files.toSorted().map((path) => [path, hash(path)]));
}

function rewrite(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

/** Does what the refusal says, and looks whether all is there again. */
async function restore(copy: string, from: 'stopped' | 'killed'): Promise<void> {
  for (const name of ['keruta.db', 'keruta.db-wal']) {
    rmSync(`${copy}/${name}`, { force: true });
    if (existsSync(place.path(from, name))) copyFileSync(place.path(from, name), `${copy}/${name}`);
  }
  const server = await serve(copy);
  expect(await countTasks()).toBe(from === 'stopped' ? 21 : 25);
  await server.stop('SIGKILL');
}

async function countTasks(): Promise<number> {
  return (await place.api<unknown[]>('GET', '/tasks?limit=100')).length;
}

test('F-60: a store that nobody damaged is read after a kill with everything in its log of changes', async () => {
  const copy = copyOf('killed');
  const server = await serve(copy);
  expect(await countTasks()).toBe(25);
  await server.stop('SIGTERM');
});

describe('F-60: a store that was damaged', () => {
  type Damage = readonly [string, 'stopped' | 'killed', (db: string) => void];
  const damages: readonly Damage[] = [
    ['a page is overwritten', 'stopped', (db) => rewrite(db, (all) => all.fill(0xff, 2 * 4096, 4 * 4096))],
    ['it is cut in the middle', 'stopped', (db) => truncateSync(db, Math.floor(statSync(db).size / 2))],
    [
      'it is no database',
      'stopped',
      (db) => writeFileSync(db, 'somebody’s notes, and no database\n'.repeat(200)),
    ],
    ['it is empty although there is output', 'stopped', (db) => truncateSync(db)],
    ['it is gone although there is output', 'stopped', (db) => rmSync(db)],
    ['it is empty, and there never was output', 'killed', (db) => truncateSync(db)],
    ['it is gone, and there never was output', 'killed', (db) => rmSync(db)],
    [
      'a page is overwritten, and its log holds changes',
      'killed',
      (db) => rewrite(db, (all) => all.fill(0xff, 4096, 3 * 4096)),
    ],
    [
      'its log of changes lost its end',
      'killed',
      (db) => truncateSync(`${db}-wal`, statSync(`${db}-wal`).size - 1000),
    ],
    ['its log of changes is empty', 'killed', (db) => truncateSync(`${db}-wal`)],
    ['its log of changes is gone', 'killed', (db) => rmSync(`${db}-wal`)],
    [
      'a bit of its log of changes is another',
      'killed',
      (db) => rewrite(`${db}-wal`, (all) => all.writeUInt8(all.readUInt8(9_000) ^ 1, 9_000)),
    ],
    [
      'a newer keruta changed it',
      'killed',
      (db) => {
        const newer = new DatabaseSync(db);
        newer.exec("INSERT INTO schema_versions VALUES (9999, 'from tomorrow', 0)");
        newer.close();
      },
    ],
  ];

  /** after these the short selection restores a backup, too */
  const backed = new Set(['a page is overwritten', 'its log of changes lost its end']);

  test.each(damages)(
    '%s (it was %s): the start is refused with what to do, and every file is left as it is',
    async (what, how, damage) => {
      const copy = copyOf(how);
      damage(`${copy}/keruta.db`);
      const left = digests(copy);
      const refused = await place.keruta(['server', '--port', '0', '--data-dir', copy]);
      expect(refused).toMatchObject({ status: 5, signal: null, stdout: '' });
      expect(refused.stderr).toContain(`${copy}/keruta.db`);
      expect(refused.stderr).toMatch(/restore (it from )?a backup/);
      expect(digests(copy)).toEqual(left);
      if (isFull || backed.has(what)) await restore(copy, how);
      tally({ row: 'F-60', rounds: 1, note: what });
    },
  );
});
