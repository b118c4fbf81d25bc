import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, temporaryDirectory } from '../harness.ts';

const dataDir = (home: string) => join(home, '.keruta/server');

test('db migrate makes a store, tells what it did, and then that nothing is left to do', async () => {
  const home = temporaryDirectory();
  const dry = await cli(['db', 'migrate', '--dry-run'], { home });
  expect(dry).toMatchObject({ status: 1, err: '' });
  expect(dry.out).toMatch(
    /keruta\.db has schema version 0, this keruta knows \d+:\n {2}1 {2}first\n[\s\S]*dry run: nothing was changed\n$/,
  );
  expect(existsSync(dataDir(home))).toBe(false);
  const done = await cli(['db', 'migrate', '--json'], { home });
  expect(done.status).toBe(0);
  const { version, known, steps } = JSON.parse(done.out) as Record<string, unknown>;
  expect({ version, steps }).toMatchObject({
    version: 0,
    steps: expect.arrayContaining([{ version: 1, name: 'first' }]),
  });
  expect(await cli(['db', 'migrate', '--dry-run'], { home })).toEqual({
    status: 0,
    out: `the store ${dataDir(home)}/keruta.db is up to date: schema version ${known}\n`,
    err: '',
  });
});

test('a server that is not to migrate says what to do, and makes nothing', async () => {
  const home = temporaryDirectory();
  const env = { KERUTA_AUTO_MIGRATE: 'false' };
  const { status, err } = await cli(['server', '--port', '0'], { home, env });
  expect(status).toBe(5);
  expect(err).toContain('run keruta db migrate');
  expect(readdirSync(dataDir(home))).toEqual([]);
});

test.each([
  [['--to', 'mysql://x/y'], 2, '--to: expected an address'],
  [['--to', '-'], 2, '--to: expected an address'],
  [['--to', 'postgres://x/y'], 5, 'there is no store in'],
  [['--to', 'postgres://x/y', '--database-url', 'postgres://a/b'], 2, 'leave that out'],
])('db migrate %j is refused', async (words, status, message) => {
  const done = await cli(['db', 'migrate', ...words], { stdin: 'nothing\n' });
  expect(done.status).toBe(status);
  expect(done.err).toContain(message);
});

test('a store that a server has is named with its process', async () => {
  const home = temporaryDirectory();
  let stop: (name: 'SIGTERM') => void = () => {};
  let running: ReturnType<typeof cli> | null = null;
  await new Promise<void>((listening) => {
    running = cli(['server', '--port', '0'], {
      home,
      onReady: (play) => (stop = play),
      onOutput: () => listening(),
    });
  });
  const { status, err } = await cli(['db', 'migrate', '--dry-run'], { home });
  stop('SIGTERM');
  await running;
  expect(status).toBe(5);
  expect(err).toContain(`It is process ${process.pid}`);
});
