import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasEnded, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { has } from './lab/processes.ts';
import { tally } from './lab/rounds.ts';
import { heldUp, heldUpSinceStart } from './lab/starvation.ts';

/** The place in which keruta runs: its configuration, its port, its home and its directories. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('place');
});
afterAll(() => lab.close());

const isRoot = process.getuid?.() === 0;
/** Longest time in which a bad file must be refused; ms. A parser that is caught in it takes minutes. */
const refusalMs = 10_000;

/** @returns also how long it took, but for what this machine had no processor for; ms */
async function showConfig(file: string) {
  const [since, held] = [performance.now(), heldUp()];
  const words = ['config', 'show', '--config', file];
  const started = lab.place.start(lab.place.executable, words, { timeoutMs: 60_000 });
  const waited = heldUpSinceStart(started.pid);
  const ended = await started.ended;
  return { ended, tookMs: Math.round(performance.now() - since - Math.max(held(), waited())) };
}

describe('F-115: a configuration file that is hostile or wrong', () => {
  const bomb = `${'abcdefghi'
    .split('')
    .map(
      (name, index, all) =>
        `${name}: &${name} [${Array(9)
          .fill(index === 0 ? 'x' : `*${all[index - 1]}`)
          .join(',')}]`,
    )
    .join('\n')}\n`;

  test.each([
    ['aliases of aliases', bomb, /config\.yaml:\d+\D/],
    ['many aliases', `a: &a 1\n${'b: *a\n'.repeat(200)}`, /config\.yaml:\d+: expected/],
    [
      'the key __proto__',
      'api:\n  __proto__:\n    polluted: 1\n',
      /config\.yaml:2: expected the key of a setting, got __proto__/,
    ],
    ['a list for a number', 'daemon:\n  port: [1, 2]\n', /config\.yaml:2/],
    ['a word for a duration', 'api:\n  timeout: soon\n', /config\.yaml:2/],
    ['a map for a text', 'api:\n  url:\n    a: b\n', /config\.yaml:[23]/],
    ['a value for keys', 'log:\n  level: INFO\napi: 5\n', /config\.yaml:3/],
    ['a key that is there twice', 'api:\n  url: http://a\n  url: http://b\n', /config\.yaml:3/],
    ['what is no YAML', 'api:\n  url: "http://a\n', /config\.yaml:\d+/],
    ['a hundred thousand brackets', `a: ${'['.repeat(100_000)}`, /config\.yaml:1/],
    [
      'an indent of a thousand steps',
      Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
      /config\.yaml:\d+/,
    ],
    [
      'a hundred thousand keys',
      Array.from({ length: 100_000 }, (_, key) => `k${key}: 1\n`).join(''),
      /config\.yaml(:\d+| has)/,
    ],
    [
      'ten megabytes',
      `a: ${'x'.repeat(10 * 1024 * 1024)}\n`,
      /config\.yaml has 10485764 bytes; at most 1 MiB/,
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x3a, 0x80]), /config\.yaml/],
  ])('with %s is refused at once, by its line', async (_what, text, message) => {
    const file = lab.place.file(`f115-${Math.abs(hash(String(_what)))}/config.yaml`, text);
    const { ended, tookMs } = await showConfig(file);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.length).toBeLessThan(5_000);
    expect([1, 2]).toContain(ended.status);
    expect(tookMs).toBeLessThan(refusalMs);
    tally({ row: 'F-115', rounds: 1, note: `${_what}: ${tookMs} ms` });
  });

  test('that is a FIFO, a device or a file with a terabyte of holes is refused and not read', async () => {
    const directory = lab.place.path('f115-odd');
    mkdirSync(directory);
    await lab.place.bash(`mkfifo '${directory}/fifo'`);
    writeFileSync(join(directory, 'sparse'), '');
    truncateSync(join(directory, 'sparse'), 2 ** 40);
    for (const name of [join(directory, 'fifo'), join(directory, 'sparse'), '/dev/zero', directory]) {
      const { ended, tookMs } = await showConfig(name);
      expect([name, ended.status === 0]).toEqual([name, false]);
      expect(ended.stderr).toContain(name);
      expect(tookMs).toBeLessThan(refusalMs);
    }
    tally({ row: 'F-115', rounds: 4, note: 'FIFO, sparse, device, directory' });
  });
});

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);
}

describe('F-116: a port that is taken', () => {
  /** Listens on a port, unless somebody does already. */
  async function take(port: number): Promise<number> {
    const server: Server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((done) => {
      server.once('error', () => done());
      server.listen(port, '127.0.0.1', done);
    });
    return server.listening ? (server.address() as { port: number }).port : port;
  }

  test('stops the agent, when that port was asked for', async () => {
    const port = await take(0);
    const session = await lab.place.session('f116 asked');
    const base = lab.place.path('base-f116-asked');
    for (const words of [['--port', String(port)], []] as const) {
      const env = { ...lab.place.env, ...(words.length === 0 ? { KERUTA_DAEMON_PORT: String(port) } : {}) };
      const ended = await lab.place.keruta(
        ['daemon', '--session-id', session, '--base-dir', base, ...words],
        { env },
      );
      expect(ended.status).not.toBe(0);
      expect(ended.stderr).toContain(String(port));
    }
    tally({ row: 'F-116', rounds: 2, note: 'asked for' });
  });

  test('is passed over, when nobody asked for it: the agent says which one it has, and runs tasks', async () => {
    await take(8080);
    const session = await lab.place.session('f116 default');
    const base = lab.place.path('base-f116');
    const agent = lab.place.start(
      lab.place.executable,
      ['daemon', '--session-id', session, '--base-dir', base],
      {
        timeoutMs: 60_000,
      },
    );
    const id = await lab.submit(session, 'echo done');
    expect(await lab.place.ended(id, 30_000)).toMatchObject({ status: 'COMPLETED' });
    const state = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { port: number; url: string };
    expect(state.port).not.toBe(8080);
    expect((await fetch(`${state.url}/health`)).status).toBe(200);
    tally({ row: 'F-116', rounds: 1, note: `8080 taken, has ${state.port}` });
    await agent.stop('SIGKILL');
  });
});

/** A user who has no entry anywhere, and so no home. */
const stranger = 54_321;
const fallback = `/tmp/keruta-${stranger}`;

describe.skipIf(!isRoot || !has('setpriv'))('F-117: a user without a home (needs root and setpriv)', () => {
  const as = async (...words: readonly string[]) => {
    const { HOME: _home, ...env } = lab.place.env;
    const args = [
      '--reuid',
      String(stranger),
      '--regid',
      String(stranger),
      '--clear-groups',
      lab.place.executable,
      ...words,
    ];
    return lab.place.start('setpriv', args, { env, cwd: '/tmp', timeoutMs: 60_000 });
  };
  const clean = () => rmSync(fallback, { recursive: true, force: true });
  beforeAll(async () => {
    await lab.place.bash(`chmod 755 '${lab.place.directory}'`);
  });

  test.each([
    ['another user made', () => mkdirSync(fallback), 'belongs to user 0'],
    ['another user made open to all', () => mkdirSync(fallback, { mode: 0o777 }), 'belongs to user 0'],
    ['is a link', () => symlinkSync(lab.place.path('f117'), fallback), 'is a link or a file'],
    ['is a file', () => writeFileSync(fallback, ''), 'cannot be made (EEXIST)'],
  ])('S-16: is refused below /tmp what %s', async (_what, make, why) => {
    clean();
    onTestFinished(clean);
    mkdirSync(lab.place.path('f117'), { recursive: true });
    chownSync(lab.place.path('f117'), stranger, stranger);
    make();
    const ended = await (await as('daemon', '--session-id', 's', '--port', '0')).ended;
    expect(ended.stderr).toContain(why);
    expect(ended.stderr).toContain(fallback);
    expect(ended.status).toBe(5);
    expect(readdirSync(lab.place.path('f117'))).toEqual([]);
    tally({ row: 'F-117', rounds: 1, note: _what });
  });

  test('S-16: gets a directory of its own below /tmp, and its tasks run there', async () => {
    clean();
    onTestFinished(clean);
    const session = await lab.place.session('f117');
    const agent = await as('daemon', '--session-id', session, '--port', '0');
    const id = await lab.submit(session, 'id -u; pwd');
    expect(await lab.place.whole(id, 30_000)).toMatchObject({ status: 'COMPLETED' });
    expect(await lab.place.logs(id, 'stdout')).toMatch(new RegExp(`^${stranger}\n${fallback}/work/`));
    expect((await lab.place.bash(`find '${fallback}' -perm /077 -o ! -uid ${stranger}`)).stdout).toBe('');
    tally({ row: 'F-117', rounds: 1, note: 'own fallback' });
    await agent.stop('SIGKILL');
  });
});

test('S-15: after clones, artifacts, questions, failures with a fix request, a killed agent and a spool nothing is open to others', async () => {
  const origin = await lab.place.repository('s15-origin');
  const session = await lab.place.session('s15', { repositoryUrl: `file://${origin}` });
  const base = lab.place.path('base-s15');
  const start = () => lab.agent(session, { base: 's15', args: ['--allow-local-git'] });
  const openTo = async () => (await lab.place.bash(`find '${base}' -perm /077 ! -type l`)).stdout;
  const first = await start();
  const go = lab.place.path('s15-go');
  const id = await lab.submit(
    session,
    `umask 022; echo x > new-file; (umask 077; echo a > $KERUTA_ARTIFACTS_DIR/a); keruta log INFO hello; printf s3cr3t-value | keruta redact add; keruta ask go --timeout 1 --default yes; echo said > '${go}.said'; while [ ! -e '${go}' ]; do sleep 0.05; done; echo failing >&2; exit 3`,
    { autoFix: true },
  );
  await until('it has said all', () => existsSync(`${go}.said`), 30_000);
  await first.stop('SIGKILL');
  const second = await start();
  const during = await openTo();
  writeFileSync(go, '');
  expect(
    await lab.place.when(id, (seen) => hasEnded(seen.status) && seen.logComplete === true, 30_000),
  ).toMatchObject({ status: 'FAILED', exitCode: 3 });
  await lab.place.keruta(['progress', '60'], {
    env: {
      ...lab.place.env,
      KERUTA_API_URL: 'http://127.0.0.1:1',
      KERUTA_TASK_ID: id,
      KERUTA_BASE_DIR: base,
    },
  });
  expect(readdirSync(join(base, 'spool')).length).toBeGreaterThan(0);
  // what scripts make in the work tree is theirs; what leads there is not open
  const after = (await openTo()).split('\n').filter((line) => line !== '' && !line.endsWith('/new-file'));
  expect(during.split('\n').filter((line) => line !== '' && !line.endsWith('/new-file'))).toEqual([]);
  expect(after).toEqual([]);
  tally({ row: 'S-15', rounds: 2, note: readdirSync(base).sort().join(' ') });
  await second.stop('SIGKILL');
});
