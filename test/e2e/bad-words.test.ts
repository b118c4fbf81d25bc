import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type RunningServer } from './place.ts';

/** What a person writes wrongly, and places that are not as they must be: status, and a message that helps. */
const place = makePlace('bad-words');
let server: RunningServer;
let session = '';

beforeAll(async () => {
  server = await place.server();
  session = await place.session('bad words');
  place.env = { ...place.env, KERUTA_SESSION_ID: session, KERUTA_RETRY_COUNT: '0' };
});
afterAll(() => place.close());

/** Runs it and expects a status, and all of the words in the message; stdout stays empty. */
async function refused(args: readonly string[], status: number, words: readonly string[]): Promise<void> {
  const ended = await place.keruta(args, { timeoutMs: 10_000 });
  expect({ status: ended.status, stdout: ended.stdout }).toEqual({ status, stdout: '' });
  for (const word of words) expect(ended.stderr).toContain(word);
  expect(ended.stderr).not.toMatch(/\n +at /); // no stack
}

describe('the command line', () => {
  test.each<[string, string[], number, string[]]>([
    ['an unknown command', ['sevrer'], 2, ['"sevrer"', 'did you mean: keruta server']],
    ['an unknown command of a group', ['task', 'lst'], 2, ['"task lst"', 'keruta task list']],
    [
      'an unknown option',
      ['daemon', '--sesion-id', 'x'],
      2,
      ['--sesion-id', 'did you mean --session-id', 'keruta daemon --help'],
    ],
    [
      'an unknown option of a task command',
      ['progress', '--mesage', 'x', '5'],
      2,
      ['--mesage', 'did you mean --message'],
    ],
    ['a percentage over 100', ['progress', '150'], 2, ['from 0 to 100', '"150"', 'keruta progress 50']],
    ['a percentage that is none', ['progress', 'half'], 2, ['from 0 to 100', '"half"']],
    ['no percentage', ['progress'], 2, ['<percentage>']],
    ['an unknown level', ['log', 'NOISE', 'x'], 2, ['DEBUG, INFO, WARN or ERROR', '"NOISE"']],
    [
      'an unknown unit',
      ['daemon', '--poll-interval', '5 parsecs'],
      2,
      ['--poll-interval', '30s, 5m or 1h30m', '"5 parsecs"'],
    ],
    ['an unknown unit of a size', ['daemon', '--max-file-size', '5XB'], 2, ['--max-file-size', '"5XB"']],
    [
      'a URL that does not parse',
      ['session', 'list', '--api-url', 'not a url'],
      2,
      ['--api-url', 'http://127.0.0.1:8585', '"not a url"'],
    ],
    ['a URL of another kind', ['session', 'list', '--api-url', 'ftp://x'], 2, ['--api-url', '"ftp://x"']],
    ['no task for a task command', ['progress', '5'], 2, ['KERUTA_TASK_ID', '--task-id']],
    ['no script', ['task', 'add'], 2, ['script file', '-c']],
  ])('%s', async (_what, args, status, words) => {
    await refused(args, status, words);
  });
});

describe('S-17: a token on the command line', () => {
  const token = `krt_adm_${'s'.repeat(43)}`;
  test.each([
    ['of a command for people', ['session', 'list', '--token', token], '--token'],
    ['in one word', ['session', 'list', `--token=${token}`], '--token'],
    ['under a longer name', ['task', 'list', '--api-token', token], '--api-token'],
    ['of a task command', ['progress', '5', '--token', token], '--token'],
    ['of the agent', ['daemon', '--token', token], '--token'],
    ['of the server', ['server', '--admin-token', token], '--admin-token'],
  ])(
    '%s is refused without being repeated, and the message says how to give it',
    async (_what, args, option) => {
      await refused(args, 2, [`there is no option ${option},`, 'KERUTA_API_TOKEN,', 'KERUTA_API_TOKEN_FILE']);
      expect((await place.keruta(args)).stderr).not.toContain(token);
    },
  );
});

describe('a file', () => {
  test('that is empty is no script', async () => {
    await refused(['task', 'add', place.file('empty.sh', '')], 2, ['script', 'empty']);
    await refused(['task', 'add', place.file('blank.sh', ' \n\t\n')], 2, ['script', 'empty']);
  });

  test('over 1 MiB is no script; one of 1 MiB is', async () => {
    const script = (bytes: number) => place.file('big.sh', `#${'x'.repeat(bytes - 1)}`);
    await refused(['task', 'add', script(1024 * 1024 + 1)], 2, ['1048577', '1 MiB']);
    expect(await place.keruta(['task', 'add', script(1024 * 1024)])).toMatchObject({ status: 0 });
  });

  test('that is missing, or a directory, is no script', async () => {
    await refused(['task', 'add', place.path('missing.sh')], 4, [place.path('missing.sh')]);
    await refused(['task', 'add', place.home], 2, [place.home, 'expected a script']);
  });

  test('that is missing, a link, a directory or too large is no artifact', async () => {
    const id = await place.submit(session, 'true');
    const add = (file: string) => ['artifact', 'add', file, '--task-id', id];
    symlinkSync('/etc/passwd', place.path('link'));
    place.file('large.bin', Buffer.alloc(2048));
    await refused(add('missing.txt'), 4, ['missing.txt', 'expected a file']);
    await refused(add('link'), 2, ['link', 'regular file']);
    await refused(add(place.home), 2, [place.home, 'directory']);
    const env = { ...place.env, KERUTA_MAX_FILE_SIZE: '1KB' };
    const large = await place.keruta(add('large.bin'), { env });
    expect(large).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/large\.bin.*1024.*2048.*KERUTA_MAX_FILE_SIZE/),
    });
    await refused(['artifact', 'get', id, 'nothing.txt'], 4, ['nothing.txt']);
  });

  test('that is not a configuration is refused with its place; every fault is told at once', async () => {
    const read = (file: string) => ['session', 'list', '--config', file];
    await refused(read(place.file('a.yaml', '<?xml version="1.0"?><a/>')), 2, ['a.yaml:1', 'api:']);
    await refused(read(place.file('b.yaml', Buffer.from([0, 1, 255, 254]))), 2, ['b.yaml']);
    const faults = 'api:\n  timeout: never\nlogging:\n  level: LOUD\n';
    await refused(read(place.file('c.yaml', faults)), 2, ['c.yaml:2', '"never"', 'c.yaml:4', '"LOUD"']);
    await refused(read(place.path('none.yaml')), 4, ['none.yaml']);
    await refused(read(place.home), 2, [place.home, 'regular file']);
    await refused(['config', 'set', 'api.tiemout', '5s'], 2, ['api.tiemout']);
  });
});

describe('a place', () => {
  test('a port that somebody listens on is refused, for server and agent', async () => {
    const port = String(server.port);
    const data = place.path('other');
    await refused(['server', '--port', port, '--data-dir', data], 5, [port, 'in use', '--port']);
    await refused(['daemon', '--port', port, '--base-dir', data], 5, [port, 'in use', '--port']);
  });

  test('a second server on the same data directory is refused, and the first goes on', async () => {
    const words = ['server', '--port', '0', '--data-dir', place.path('server')];
    await refused(words, 5, ['another server', place.path('server'), 'data directory']);
    await place.api('GET', '/sessions');
  });

  test('a second agent on the same base directory is refused, naming the first', async () => {
    const daemon = await place.daemon(session);
    const words = ['daemon', '--session-id', session, '--port', '0'];
    await refused(words, 5, [
      `pid ${daemon.pid}`,
      `${place.home}/.keruta`,
      'keruta daemon stop',
      'KERUTA_BASE_DIR',
    ]);
    await daemon.stop();
  });

  test('a base directory or data directory that is a link is refused', async () => {
    mkdirSync(place.path('real'));
    symlinkSync(place.path('real'), place.path('linked'));
    const linked = place.path('linked');
    await refused(['daemon', '--port', '0', '--base-dir', linked], 5, [linked]);
    await refused(['server', '--port', '0', '--data-dir', linked], 5, [linked, '--data-dir']);
  });

  test('a store of a newer keruta is refused and left alone', async () => {
    const data = place.path('newer');
    const first = place.start(place.executable, ['server', '--port', '0', '--data-dir', data, '--json']);
    await new Promise<void>((ready) => first.child.stdout?.once('data', () => ready()));
    await first.stop();
    const file = `${data}/keruta.db`;
    const db = new DatabaseSync(file);
    db.exec("INSERT INTO schema_versions (version, name, applied_at) VALUES (999, 'of tomorrow', 0)");
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    const digest = () => createHash('sha256').update(readFileSync(file)).digest('hex');
    const before = digest();
    await refused(['server', '--port', '0', '--data-dir', data], 5, ['999', 'newer keruta', file]);
    expect(digest()).toBe(before);
  });

  test('a store that is none is refused and left alone', async () => {
    const file = place.file(
      'damaged/keruta.db',
      'this is not a database, but it may be dear to somebody. '.repeat(40),
    );
    await refused(['server', '--port', '0', '--data-dir', place.path('damaged')], 5, [file]);
    expect(readFileSync(file, 'utf8')).toMatch(/^this is not a database/);
  });
});
