/** What an agent leaves open to others: files, environment, arguments, doors. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place, until } from './place.ts';

let place: Place;
beforeAll(async () => {
  place = makePlace('closed', process.env.KERUTA_E2E_EXECUTABLE);
  await place.server();
});
afterAll(() => place.close());

const isRoot = process.getuid?.() === 0;
/** Everything below a directory that somebody else may do something with. */
const openTo = async (directory: string) =>
  (await place.bash(`find '${directory}' -perm /077`)).stdout.split('\n').filter((line) => line !== '');

describe('after a full run', () => {
  let base: string;
  let session: string;
  let environment: Record<string, string>;
  let pid: number;
  let openInMidRun: string[];

  beforeAll(async () => {
    const origin = await place.repository('origin');
    session = await place.session('closed', { repositoryUrl: `file://${origin}` });
    base = place.path('base');
    // a bash of its own, so that the mask is what most people have
    const start = `umask 022; keruta daemon start --session-id ${session} --base-dir '${base}' --port 0 --allow-local-git`;
    const started = await place.bash(start);
    expect(started).toMatchObject({ status: 0 });
    pid = Number(readFileSync(join(base, 'daemon.pid'), 'utf8'));
    const script = `env; umask; (umask 077; echo x > $KERUTA_ARTIFACTS_DIR/x; echo y > new-file)
keruta progress 50; keruta log info hello; sleep 0.3; keruta ask 'go?' --timeout 1s --default yes
echo z > $HOME/added; keruta artifact add $HOME/added; touch $HOME/said; while [ ! -e $HOME/go ]; do sleep 0.05; done; exit 3`;
    const id = await place.submit(session, script);
    await until('the task has said everything', () => existsSync(join(place.home, 'said')));
    openInMidRun = await openTo(base);
    place.file('home/go', '');
    await place.whole(id);
    const text = await place.logs(id, 'stdout');
    environment = Object.fromEntries(
      text.split('\n').flatMap((line) => (line.includes('=') ? [line.split(/=(.*)/s, 2)] : [])),
    );
    expect(text).toContain('\n0022\n');
    // something for the spool
    const env = {
      ...place.env,
      KERUTA_API_URL: 'http://127.0.0.1:1',
      KERUTA_TASK_ID: id,
      KERUTA_BASE_DIR: base,
    };
    await place.keruta(['progress', '60'], { env });
  }, 60_000);
  afterAll(async () => {
    await place.keruta(['daemon', 'stop', '--now', '--base-dir', base]);
  }, 60_000);

  test('S-15: nothing below the base directory is open to anybody else, in the middle of a run and after it', async () => {
    const expected = ['agent.sock', 'bin', 'daemon.pid', 'logs', 'repos', 'runs', 'shims', 'spool'];
    expect(readdirSync(base)).toEqual(expect.arrayContaining(expected));
    expect(readdirSync(join(base, 'spool')).length).toBeGreaterThan(0);
    expect(existsSync(join(base, 'repos/origin/README.md'))).toBe(true);
    expect(openInMidRun).toEqual([]);
    expect(await openTo(base)).toEqual([]);
  });

  test('S-17: the agent’s token is neither in its environment nor in any arguments', async () => {
    const token = place.env.KERUTA_API_TOKEN ?? '';
    expect(token).toMatch(/^krt_/);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('krt_');
    expect((await place.bash('ps -ef; ps -eo args')).stdout).not.toContain(token);
    const found = await place.bash(`grep -rlF '${token}' '${base}'`);
    expect(found.stdout).toBe('');
  });

  test('S-18: a task has a token of its own and nothing else of the agent’s', async () => {
    // the values of tokens are masked in the output, their names are not
    const named = Object.keys(environment).filter((name) =>
      /TOKEN|KERUTA_(AUTH|API_KEY|HANDOVER)/.test(name),
    );
    expect(named).toEqual(['KERUTA_API_TOKEN']);
    expect(environment.KERUTA_API_TOKEN).toMatch(/^\*+$/);
    expect(environment.KERUTA_RUN_ID).toMatch(/^[0-9a-f-]{36}$/);
    const script =
      'case $KERUTA_API_TOKEN in krt_tsk_*) echo its own;; esac; cat /proc/self/environ | tr "\\0" "\\n" | grep -c =krt_';
    const id = await place.submit(session, script);
    await place.whole(id);
    expect(await place.logs(id, 'stdout')).toBe('its own\n1\n');
  });

  test('S-14: status is asked on the socket, also where the address is closed', async () => {
    const ask = async () =>
      JSON.parse((await place.keruta(['daemon', 'status', '--json', '--base-dir', base])).stdout);
    // a machine that is busy holds up its loop, which it tells for a while
    await until('it is healthy', async () => (await ask()).health === 'healthy', 60_000);
    expect(await ask()).toMatchObject({
      running: true,
      pid,
      socket: join(base, 'agent.sock'),
      health: 'healthy',
      reasons: [],
    });
    const state = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8'));
    const listening = await place.bash(`ss -ltnH 'sport = :${state.port}' | awk '{print $4}'`);
    if (listening.status === 0) expect(listening.stdout).toBe(`127.0.0.1:${state.port}\n`);
    const text = await place.keruta(['daemon', 'status', '--base-dir', base]);
    expect(text.stdout).toMatch(/^health +healthy$/m);
  }, 90_000);
});

describe('S-16: a base directory that is not one’s own', () => {
  test.each([
    ['daemon', ['daemon', '--session-id', 's']],
    ['daemon start', ['daemon', 'start', '--session-id', 's']],
    ['up', ['up', '--port', '0']],
  ])('behind a link is refused by %s', async (_name, words) => {
    const [target, link] = [place.path('target'), place.path('link')];
    mkdirSync(target, { recursive: true });
    if (!existsSync(link)) symlinkSync(target, link);
    const ended = await place.keruta([...words, '--base-dir', link]);
    expect(ended.status).toBe(5);
    expect(ended.stderr).toContain('is a link or a file');
    expect(readdirSync(target)).toEqual([]);
  });

  test.skipIf(!isRoot)('below /tmp, made by another user, is refused (needs root)', async () => {
    const foreign = place.path('foreign');
    mkdirSync(foreign);
    chownSync(foreign, 65_534, 65_534);
    const ended = await place.keruta(['daemon', '--session-id', 's', '--base-dir', foreign]);
    expect(ended.status).toBe(5);
    expect(ended.stderr).toContain('belongs to user 65534');
    expect(readdirSync(foreign)).toEqual([]);
  });
});

test('S-08: an address that others reach is refused unless it is allowed', async () => {
  const session = await place.session('hosts');
  const words = ['daemon', '--session-id', session, '--base-dir', place.path('hosts'), '--port', '0'];
  const ended = await place.keruta([...words, '--host', '0.0.0.0']);
  expect(ended.status).not.toBe(0);
  expect(ended.stderr).toContain('--allow-remote');
});

describe('S-01: a server without authentication', () => {
  test('is refused on an address that others reach, and makes nothing', async () => {
    const data = place.path('no-auth-open');
    const words = ['server', '--dev-no-auth', '--port', '0', '--data-dir', data];
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      const ended = await place.keruta([...words, '--host', host]);
      expect([host, ended.status, ended.stdout]).toEqual([host, 2, '']);
      expect(ended.stderr).toContain(`--dev-no-auth is for loopback addresses only, and ${host}`);
    }
    expect(existsSync(data)).toBe(false);
  });

  test('answers everybody on this machine, and says so when it starts', async () => {
    const words = ['server', '--dev-no-auth', '--port', '0', '--data-dir', place.path('no-auth')];
    const server = place.start(place.executable, words);
    const url = () => /keruta listens on (\S+)/.exec(server.stdout())?.[1] ?? '';
    await until('it listens', () => url() !== '', 30_000);
    expect((await fetch(`${url()}/api/v1/sessions`)).status).toBe(200);
    expect(server.stdout() + server.stderr()).toContain('no token is needed');
    await server.stop('SIGTERM');
  });
});
