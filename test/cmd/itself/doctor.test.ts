import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CheckState } from '../../../cmd/keruta/itself/doctor/check.ts';
import { clockOffset, judgeOffset } from '../../../cmd/keruta/itself/doctor/clock.ts';
import { writePidFile } from '../../../cmd/keruta/roles/pid-file.ts';
import { lockBase } from '../../../internal/worker/base-lock.ts';
import { receiptOf, recordOf } from '../../internal/worker/records.ts';
import { type CliOptions, cli, temporaryDirectory } from '../harness.ts';
import { useServer } from '../server-in-home.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';
/** Nobody listens there. */
const away = { KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_API_TOKEN: 'krt_ses_a-secret-of-ours' };

interface Said {
  readonly state: CheckState;
  readonly found: string;
  readonly advice: string | null;
}

/** Runs doctor. @returns its findings by name */
async function doctor(options: CliOptions = {}) {
  const env = { PATH: path, ...options.env };
  const { status, out, err } = await cli(['doctor', '--json'], { ...options, env });
  const answer = JSON.parse(out) as { overall: boolean; checks: readonly (Said & { name: string })[] };
  const of = (name: string): Said => {
    const found = answer.checks.find((check) => check.name === name);
    if (found === undefined) throw new Error(`no check ${name} in ${out}`);
    return found;
  };
  return { status, out, err, overall: answer.overall, of, checks: answer.checks };
}

/** A home with a base directory that is as it should be. */
function homeWithBase(): { readonly home: string; readonly base: string } {
  const home = temporaryDirectory();
  const base = join(home, '.keruta');
  mkdirSync(join(base, 'runs'), { recursive: true, mode: 0o700 });
  return { home, base };
}

describe('with a server', () => {
  const place = useServer();

  test('everything that the server can tell is found in order', async () => {
    const { of } = await doctor({ home: place.home });
    expect(of('api')).toMatchObject({ state: 'ok', found: expect.stringContaining(place.server.url) });
    expect(of('token')).toMatchObject({ state: 'ok', found: expect.stringContaining('scope admin') });
    expect(of('clock')).toMatchObject({ state: 'ok' });
  });

  test('the scope of a token is named, and one that cannot take tasks is a warning', async () => {
    const made = await cli(['token', 'create', '--scope', 'read-only', '--json'], { home: place.home });
    const { token } = JSON.parse(made.out) as { token: string };
    const { of, out } = await doctor({
      home: place.home,
      env: { KERUTA_API_TOKEN: token, KERUTA_API_URL: place.server.url },
    });
    expect(of('token')).toMatchObject({ state: 'warn', found: expect.stringContaining('scope read-only') });
    expect(out).not.toContain(token);
  });

  test('a token that the server does not know fails, and is not shown', async () => {
    const env = { KERUTA_API_TOKEN: 'krt_adm_wrong-one', KERUTA_API_URL: place.server.url };
    const { status, of, out } = await doctor({ home: place.home, env });
    expect(status).toBe(1);
    expect(of('token')).toMatchObject({ state: 'fail', found: expect.stringContaining('KERUTA_API_TOKEN') });
    expect(of('api').state).toBe('ok');
    expect(out).not.toContain('wrong-one');
  });

  test('a token file that others can read is a warning', async () => {
    const file = join(temporaryDirectory(), 'token');
    writeFileSync(file, place.server.token ?? '');
    chmodSync(file, 0o644);
    const env = { KERUTA_API_TOKEN_FILE: file, KERUTA_API_URL: place.server.url };
    const { of } = await doctor({ home: place.home, env });
    expect(of('token')).toMatchObject({ state: 'warn', advice: expect.stringContaining('chmod 600') });
  });
});

describe('without anything set up', () => {
  test('it runs to its end, and says what is missing and what to do', async () => {
    const { status, overall, of, checks } = await doctor({ env: { KERUTA_API_URL: '' } });
    expect([status, overall]).toEqual([1, false]);
    expect(of('config')).toMatchObject({ state: 'ok', found: expect.stringContaining('no file') });
    expect(of('token').found).toContain('no token');
    expect(of('base-directory')).toMatchObject({
      state: 'ok',
      found: expect.stringContaining('first start'),
    });
    expect(of('runs').state).toBe('skipped');
    for (const check of checks.filter(({ state }) => state === 'fail' || state === 'warn')) {
      expect(check.advice).toBeTruthy();
    }
    expect(checks.every(({ found }) => found !== '' && !found.includes('\n'))).toBe(true);
  });

  test('it makes nothing', async () => {
    const home = temporaryDirectory();
    await doctor({ home });
    expect(readdirSync(home)).toEqual([]);
  });

  test('a table has one line for each check and one for what to do', async () => {
    const { out } = await cli(['doctor'], { env: { PATH: path, ...away } });
    expect(out).toMatch(/^CHECK +STATE +FOUND\n/);
    expect(out).toMatch(/^api +fail +The API is not available.*\n +→ check KERUTA_API_URL/m);
    expect(out).toMatch(/^\d+ ok, .*\d+ fail.*$/m);
    expect(out).not.toContain('a-secret-of-ours');
  });
});

describe('the configuration', () => {
  test('faults are told with file and line, and what needs no settings is looked at still', async () => {
    const { home, base } = homeWithBase();
    writeFileSync(join(base, 'config.yaml'), 'api:\n  timeout: soon\ndaemon:\n  port: 99999999\n');
    const { status, of } = await doctor({ home });
    expect(status).toBe(1);
    expect(of('config').found).toMatch(
      /config\.yaml:2\): expected a duration.*config\.yaml:4\): expected a whole/,
    );
    expect(of('disk')).toMatchObject({ state: 'skipped', found: expect.stringContaining('see config') });
    expect(of('programs').state).toBe('ok');
  });

  test('keys and variables that no setting reads are a warning with the nearest one', async () => {
    const { home, base } = homeWithBase();
    writeFileSync(join(base, 'config.yaml'), 'api:\n  ulr: http://a\n', { mode: 0o600 });
    const { of } = await doctor({ home, env: { ...away, KERUTA_POLL_INTERVALL: '5', KERUTA_RUN_ID: 'x' } });
    expect(of('config').state).toBe('warn');
    expect(of('config').found).toContain('did you mean api.url?');
    expect(of('config').found).toContain('did you mean KERUTA_POLL_INTERVAL?');
    expect(of('config').found).not.toContain('KERUTA_RUN_ID');
  });

  test('a file that is named and not there fails', async () => {
    const { of } = await doctor({ env: { KERUTA_CONFIG: '/nowhere/keruta.yaml' } });
    expect(of('config')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('/nowhere/keruta.yaml'),
    });
  });
});

describe('the API', () => {
  test('an API that is away fails; what it would have told is skipped', async () => {
    const { of } = await doctor({ env: away });
    expect(of('api').state).toBe('fail');
    expect([of('token').state, of('clock').state]).toEqual(['skipped', 'skipped']);
  });

  test('a server that takes connections and says nothing does not hold it up', async () => {
    const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const { of } = await doctor({ env: { ...away, KERUTA_API_URL: `http://127.0.0.1:${port}` } });
    expect(of('api').state).toBe('fail');
    expect(of('git').state).not.toBe('fail');
  });

  test.each([
    [3_600_000, 'fail', 'behind'],
    [-20_000, 'warn', 'ahead of'],
    [0, 'ok', 'as the server’s'],
  ])('a server whose clock is off by %d ms: %s', async (offsetMs, state, words) => {
    const url = await serveHealth(() => new Date(Date.now() + offsetMs));
    const { of } = await doctor({ env: { ...away, KERUTA_API_URL: url } });
    expect(of('clock')).toMatchObject({ state, found: expect.stringContaining(words) });
  });

  test('a server of the plain protocol is a warning', async () => {
    const url = await serveHealth(() => new Date());
    const { of } = await doctor({ env: { ...away, KERUTA_API_URL: url } });
    expect(of('api')).toMatchObject({ state: 'warn', found: expect.stringContaining('plain protocol only') });
  });

  test('the second that HTTP leaves out of a time, and the way, count for neither side', () => {
    expect(clockOffset({ before: 10_400, after: 10_600, told: 10_000 })).toBe(0);
    expect(clockOffset({ before: 9_900, after: 11_900, told: 10_000 })).toBe(0);
    expect(clockOffset({ before: 20_000, after: 20_100, told: 10_000 })).toBe(9_000);
    expect(clockOffset({ before: 1_000, after: 2_000, told: 10_000 })).toBe(-8_000);
    expect([5_000, 5_001, 60_000, 60_001, -60_001].map((ms) => judgeOffset(ms).state)).toEqual([
      'ok',
      'warn',
      'warn',
      'fail',
      'fail',
    ]);
  });
});

describe('programs', () => {
  test('S-26: a git without the fixes of July 2025 is a warning, one with them is not', async () => {
    const withGit = (version: string) => {
      const bin = temporaryDirectory();
      writeFileSync(join(bin, 'git'), `#!/bin/sh\necho git version ${version}\n`, { mode: 0o755 });
      return { env: { ...away, PATH: `${bin}:${path}` } };
    };
    // git has two seconds to answer, which a busy machine may use up
    const lookAt = (version: string) => expect.poll(async () => (await doctor(withGit(version))).of('git'));
    await lookAt('2.43.6').toMatchObject({ state: 'warn', found: expect.stringContaining('2.43.6') });
    await lookAt('2.43.7').toMatchObject({ state: 'ok' });
  });

  test('no git is a warning', async () => {
    const { of } = await doctor({ env: { ...away, PATH: temporaryDirectory() } });
    expect(of('git')).toMatchObject({ state: 'warn', advice: expect.stringContaining('install git') });
  });

  test('containment says what it is without namespaces, and what that means', async () => {
    const bin = temporaryDirectory();
    const { of } = await doctor({ env: { ...away, PATH: bin } });
    expect(of('containment').found).toContain('process group and sweep; PID namespace: not allowed here');
  });

  test('a time zone that is none, and a character set that is not UTF-8, are warnings', async () => {
    expect((await doctor({ env: { ...away, TZ: 'Mars/Olympus' } })).of('locale').state).toBe('warn');
    expect((await doctor({ env: { ...away, LC_ALL: 'de_DE.ISO-8859-1' } })).of('locale').state).toBe('warn');
    const good = { TZ: 'Europe/Berlin', LANG: 'C.UTF-8' };
    expect((await doctor({ env: { ...away, ...good } })).of('locale').state).toBe('ok');
  });
});

describe('the base directory', () => {
  test('one that others can look into is a warning, one that is a link fails', async () => {
    const { home, base } = homeWithBase();
    chmodSync(base, 0o755);
    expect((await doctor({ home, env: away })).of('base-directory')).toMatchObject({
      state: 'warn',
      advice: expect.stringContaining('chmod -R go='),
    });
    chmodSync(base, 0o700);
    expect((await doctor({ home, env: away })).of('base-directory').state).toBe('ok');
    const env = { ...away, KERUTA_BASE_DIR: join(home, 'link') };
    execFileSync('ln', ['-s', base, env.KERUTA_BASE_DIR]);
    const { status, of } = await doctor({ home, env });
    expect(status).toBe(1);
    expect(of('base-directory')).toMatchObject({ state: 'fail', found: expect.stringContaining('link') });
  });

  test('the holder of the base directory is named, also while it is not ready', async () => {
    const { home, base } = homeWithBase();
    onTestFinished(lockBase(base, process.pid));
    expect((await doctor({ home, env: away })).of('agent')).toMatchObject({
      state: 'warn',
      found: expect.stringContaining(`agent ${process.pid} holds ${base}`),
    });
    const state = { pid: process.pid, url: null, sessionId: 's1', startedAt: Date.now() - 7_200_000 };
    writeFileSync(join(base, 'agent.json'), JSON.stringify(state));
    expect((await doctor({ home, env: away })).of('agent')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/up 2h.*session s1/),
    });
    const deaf = { ...state, url: 'http://127.0.0.1:1' };
    writeFileSync(join(base, 'agent.json'), JSON.stringify(deaf));
    expect((await doctor({ home, env: away })).of('agent')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('does not answer'),
    });
  });

  test('runs that nobody goes on with, refused ones and strange ones are told apart', async () => {
    const { home, base } = homeWithBase();
    const put = (name: string, file: string, value: unknown) => {
      mkdirSync(join(base, 'runs', name), { recursive: true });
      writeFileSync(join(base, 'runs', name, file), JSON.stringify(value));
    };
    put('done.1', 'receipt.json', receiptOf('done'));
    expect((await doctor({ home, env: away })).of('runs').state).toBe('ok');
    put('refused.1', 'receipt.json', receiptOf('refused', { state: 'refused' }));
    put('open.1', 'task.json', recordOf('open'));
    put('odd.1', 'note', 'x');
    mkdirSync(join(base, 'runs/fifo.1'));
    execFileSync('mkfifo', [join(base, 'runs/fifo.1/receipt.json')]);
    const { of } = await doctor({ home, env: away });
    expect(of('runs').state).toBe('warn');
    expect(of('runs').found).toContain('1 run without agent: open.1');
    expect(of('runs').found).toContain('refused: refused.1');
    expect(of('runs').found).toContain('without record: fifo.1, odd.1');
    onTestFinished(lockBase(base, process.pid));
    expect((await doctor({ home, env: away })).of('runs').found).not.toContain('open.1');
  });

  test('what killed processes left is named; what belongs to a living one is not', async () => {
    const { home, base } = homeWithBase();
    writeFileSync(join(base, 'daemon.pid'), '99999999\n');
    for (const name of ['handover.a', 'handover.b', 'agent.json'])
      writeFileSync(join(base, name), 'x', { mode: 0o600 });
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(join(base, 'handover.a'), hourAgo, hourAgo);
    const { of } = await doctor({ home, env: away });
    expect(of('leftovers')).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('daemon.pid, agent.json, handover.a (1 with a token)'),
    });
    rmSync(join(base, 'handover.a'));
    rmSync(join(base, 'daemon.pid'));
    onTestFinished(lockBase(base, process.pid));
    const remove = writePidFile(join(base, 'daemon.pid'), process.pid);
    expect((await doctor({ home, env: away })).of('leftovers')).toMatchObject({ state: 'ok' });
    remove();
  });

  test('locks of a killed git, waiting requests, and a log that was not rotated are warnings', async () => {
    const { home, base } = homeWithBase();
    mkdirSync(join(home, 'keruta/app/.git'), { recursive: true });
    writeFileSync(join(home, 'keruta/app/.git/index.lock'), '');
    mkdirSync(join(base, 'spool/rejected'), { recursive: true });
    writeFileSync(join(base, 'spool', `${Date.now() - 7_200_000}-1-1.json`.padStart(24, '0')), '{}');
    mkdirSync(join(base, 'logs'));
    writeFileSync(join(base, 'logs/daemon.log'), Buffer.alloc(12 * 1024 ** 2), { mode: 0o600 });
    const { status, of } = await doctor({ home, env: away });
    expect(of('git-locks')).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('app/.git/index.lock'),
    });
    expect(lstatSync(join(home, 'keruta/app/.git/index.lock')).isFile()).toBe(true);
    expect(of('spool')).toMatchObject({ state: 'warn', found: '1 request waits, the oldest for 2h' });
    expect(of('log')).toMatchObject({ state: 'warn', found: expect.stringContaining('12.0 MB') });
    expect(status).toBe(1);
    expect(readFileSync(join(home, 'keruta/app/.git/index.lock'), 'utf8')).toBe('');
  });
});

/** A server that knows nothing but its health, and whose clock is its own. @returns its address */
async function serveHealth(now: () => Date): Promise<string> {
  const server: Server = createServer((_request, answer) => {
    answer.sendDate = false;
    answer.setHeader('date', now().toUTCString());
    answer.setHeader('content-type', 'application/json');
    answer.end('{"status":"UP"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}
