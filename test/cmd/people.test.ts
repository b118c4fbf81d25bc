import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { exitStatusOfTask } from '../../cmd/keruta/people/run.ts';
import type { StartedServer } from '../../cmd/keruta/roles/start-server.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type CliOptions, cli } from './harness.ts';
import { startServerIn, useServer } from './server-in-home.ts';

/** Commands find the server by the files that it leaves in the home. */
const place = useServer();
let home = '';
let server: StartedServer;
beforeAll(() => {
  ({ home, server } = place);
});

const k = (line: string, options: CliOptions = {}) => cli(line.split(' '), { home, ...options });
const json = async (line: string) => JSON.parse((await k(`${line} --json`)).out);

/** Plays an agent of the plain protocol: says what a script would have come to. */
const api = () => place.api();

describe('a server that was started', () => {
  test('leaves its admin token in a file that only its user can read', () => {
    expect(statSync(join(home, '.keruta/server/admin.token')).mode & 0o777).toBe(0o600);
    expect(readFileSync(server.tokenFile!, 'utf8').trim()).toBe(server.token);
  });

  test('refuses a second one on the same data directory', async () => {
    await expect(startServerIn(home)).rejects.toMatchObject({
      code: 'KERUTA_ERR_SERVER_RUNNING',
    });
  });

  test('refuses a port that is taken', async () => {
    const other = { env: { KERUTA_PORT: new URL(server.url).port, KERUTA_DATA_DIR: join(home, 'other') } };
    await expect(startServerIn(home, other)).rejects.toMatchObject({
      code: 'KERUTA_ERR_PORT_TAKEN',
    });
  });

  test('goes without tokens on a loopback address only', async () => {
    const other = {
      env: {
        KERUTA_DEV_NO_AUTH: 'true',
        KERUTA_HOST: '0.0.0.0',
        KERUTA_DATA_DIR: join(home, 'other'),
      },
    };
    await expect(startServerIn(home, other)).rejects.toMatchObject({
      code: 'KERUTA_ERR_BAD_VALUE',
    });
  });

  test('keeps its token over a restart, and makes a new one when the file is lost', async () => {
    const own = { env: { KERUTA_DATA_DIR: join(home, 'again') } };
    const first = await startServerIn(home, own);
    await first.close();
    const second = await startServerIn(home, own);
    expect(second.token).toBe(first.token);
    await second.close();
    rmSync(second.tokenFile!);
    const third = await startServerIn(home, own);
    expect(third.token).not.toBe(first.token);
    await third.close();
  });

  test('takes the admin token that is set, and writes it nowhere', async () => {
    const own = { env: { KERUTA_DATA_DIR: join(home, 'set'), KERUTA_ADMIN_TOKEN: 'chosen-by-me-123' } };
    const started = await startServerIn(home, own);
    expect(started).toMatchObject({ token: 'chosen-by-me-123', tokenFile: null });
    await started.close();
  });
});

describe('sessions', () => {
  test('are made, listed, shown by name and by the beginning of the id, closed, deleted', async () => {
    const made = await json(
      'session create website --repository https://git.example/w.git --ref dev --tag a --tag b',
    );
    expect(made).toMatchObject({ name: 'website', repositoryRef: 'dev', tags: ['a', 'b'] });
    expect((await k('session list')).out).toMatch(/website +ACTIVE +\S+ +https:\/\/git\.example\/w\.git/);
    expect((await k('session show website')).out).toContain(made.id);
    expect((await json(`session show ${made.id.slice(0, 8)}`)).id).toBe(made.id);
    expect(await k('session create website')).toMatchObject({ status: 5 });
    expect((await json('session close website')).status).toBe('COMPLETED');
    expect(await k('task add -c true --session website')).toMatchObject({ status: 5 });
    expect((await k('session delete website')).status).toBe(0);
    expect(await k('session show website')).toMatchObject({ status: 4 });
  });
});

describe('tasks', () => {
  test('are added with all that can be asked for', async () => {
    await k('session create tasks');
    writeFileSync(join(home, 'build.sh'), 'echo built\n');
    const { out } = await k(
      'task add build.sh --session tasks --priority 7 --timeout 10m --retries 2 --param a=1 --ref dev --no-auto-fix',
    );
    const task = await json(`task show ${out.trim().slice(0, 8)}`);
    expect(task).toMatchObject({
      name: 'build.sh',
      script: 'echo built\n',
      priority: 7,
      timeoutSeconds: 600,
      retryCount: 2,
      parameters: { a: '1' },
      ref: 'dev',
      autoFix: false,
      status: 'PENDING',
    });
    expect((await k('task list --session tasks')).out).toMatch(/build\.sh +PENDING +0 %/);
    expect((await k(`task show ${task.id}`)).out).toMatch(/status +PENDING/);
    expect((await json('task list --all --status PENDING')).map((one: { id: string }) => one.id)).toContain(
      task.id,
    );
    expect((await json(`task cancel ${task.id}`)).status).toBe('CANCELLED');
    expect((await k(`task logs ${task.id}`)).out).toBe('');
    expect((await k(`task delete ${task.id}`)).status).toBe(0);
    expect(await k(`task show ${task.id}`)).toMatchObject({ status: 4 });
  });

  test('are tried again as they say', async () => {
    await k('session create retries');
    const add = async (options: string) => {
      const { out } = await k(`task add -c false --session retries ${options}`);
      return json(`task show ${out.trim().slice(0, 8)}`);
    };
    const task = await add(
      '--retries 2 --retry-delay 90s --retry-exit-code 75 --retry-exit-code 111 --deadline 1h',
    );
    expect(task).toMatchObject({ retryCount: 2, notBefore: null, concurrency: null });
    expect(task.retry).toEqual({
      backoff: 'exponential',
      delaySeconds: 90,
      maxDelaySeconds: 3600,
      exitCodes: [75, 111],
      neverOn: [],
      lostRetries: 0,
      deadlineSeconds: 3600,
    });
    expect((await k(`task show ${task.id}`)).out).toMatch(/retries +0 of 2 used/);
    expect((await add('--retries 1')).retry).toBeNull();
    expect((await add('--retries 1 --retry-backoff fixed')).retry).toMatchObject({
      backoff: 'fixed',
      delaySeconds: 60,
    });
    const wrong = await k('task add -c false --session retries --retry-exit-code 256');
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.err).toContain('expected a number from 1 to 255, got "256"');
  });

  test('take their script from stdin', async () => {
    const { out } = await k('task add - --session tasks', { stdin: '#!/bin/sh\necho in\n' });
    expect((await json(`task show ${out.trim()}`)).script).toBe('#!/bin/sh\necho in\n');
    await k(`task cancel ${out.trim()}`);
  });

  test('that do not exist exit 4 and say what to do', async () => {
    const { status, err } = await k('task show 00000000-0000-1');
    expect(status).toBe(4);
    expect(err).toContain('see: keruta task list');
    expect(await k('task input 00000000-0000-1 yes')).toMatchObject({ status: 4 });
  });

  test('a script over 1 MiB is refused before it is sent', async () => {
    const { status, err } = await k('task add -', { stdin: 'x'.repeat(1024 * 1024 + 1) });
    expect([status, err]).toEqual([2, expect.stringContaining('at most 1 MiB')]);
  });

  test('artifacts are fetched by path, and never over a file that is there', async () => {
    const { id } = await json('task add -c true --session tasks');
    const bytes = Buffer.from('report');
    const source = {
      path: 'out/report.txt',
      name: 'report.txt',
      size: bytes.length,
      contentType: 'text/plain',
      description: '',
      open: async function* () {
        yield bytes;
      },
      read: async function* () {
        yield bytes;
      },
    };
    await api().artifacts.upload(id, source as never);
    const [artifact] = await api().artifacts.list(id);
    expect((await k(`artifact get ${id} ${artifact?.path} -o -`)).out).toBe('report');
    expect((await k(`artifact get ${id} report.txt`, { cwd: home })).out).toBe(
      `${join(home, 'report.txt')}\n`,
    );
    expect(await k(`artifact get ${id} report.txt`)).toMatchObject({ status: 5 });
    expect((await k(`artifact get ${id} report.txt --force`)).status).toBe(0);
    expect((await k(`artifact get ${id} other.txt`)).err).toContain('has no artifact "other.txt"');
    await k(`task cancel ${id}`);
  });
});

describe('keruta run', () => {
  /** Waits until `run` has submitted its task, then plays its agent. */
  async function runAs(line: string, play: (id: string) => Promise<void>, options: CliOptions = {}) {
    const session = await api().sessions.search('default');
    const before = new Set(
      session[0] ? (await api().sessions.tasks(session[0].id)).map((task) => task.id) : [],
    );
    const running = k(line, options);
    const id = await (async () => {
      for (;;) {
        const [found] = await api().sessions.search('default');
        const tasks = found ? await api().sessions.tasks(found.id) : [];
        const fresh = tasks.find((task) => !before.has(task.id));
        if (fresh) return fresh.id;
        await systemClock.sleep(10);
      }
    })();
    await play(id);
    return running;
  }
  const end = (id: string, status: string) => api().tasks.setStatus(id, { status, message: 'said so' });

  test('makes the session default, follows to the end and exits 0', async () => {
    const { status } = await runAs('run -c true', async (id) => {
      await end(id, 'PROCESSING');
      await end(id, 'COMPLETED');
    });
    expect(status).toBe(0);
  });

  test('exits 1 for a task that failed without a code, with a last word on stderr', async () => {
    const { status, err } = await runAs('run -c false', async (id) => {
      await end(id, 'PROCESSING');
      await end(id, 'FAILED');
    });
    expect(status).toBe(1);
    expect(err).toContain('FAILED');
  });

  test('tells events as JSON lines when asked', async () => {
    const { out } = await runAs('run -c true --json', async (id) => {
      await end(id, 'PROCESSING');
      await end(id, 'COMPLETED');
    });
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ type: 'end', task: { status: 'COMPLETED' } });
  });

  test('shows a progress line on a terminal, and takes it away', async () => {
    const { err } = await runAs(
      'run -c true',
      async (id) => {
        await api().tasks.setStatus(id, { status: 'PROCESSING', progress: 40, message: 'on it' });
        await end(id, 'COMPLETED');
      },
      { isTerminal: true },
    );
    expect(err).toContain('COMPLETED');
    expect(err).toContain('\x1b[2K');
  });

  test('Ctrl-C cancels the task and exits 130', async () => {
    let stop: (name: 'SIGINT') => void = () => {};
    const { status, err } = await runAs(
      'run -c true',
      async (id) => {
        stop('SIGINT');
        for (;;) {
          const task = await api().tasks.get(id);
          if (task.status === 'CANCELLED') return;
          await systemClock.sleep(10);
        }
      },
      { onReady: (play) => (stop = play) },
    );
    expect(status).toBe(130);
    expect(err).toContain('cancelling the task');
  });

  test('is refused inside a task of the same session: it would wait for itself', async () => {
    const env = { KERUTA_TASK_ID: '11111111-1111-4111-8111-111111111111', KERUTA_SESSION_ID: 'default' };
    const { status, err } = await k('run -c true', { env });
    expect(status).toBe(125);
    expect(err).toContain('would wait for itself');
  });

  test.each([
    [{ status: 'COMPLETED', exitCode: 0, signal: null }, 0],
    [{ status: 'FAILED', exitCode: 3, signal: null }, 3],
    [{ status: 'FAILED', exitCode: 0, signal: null }, 1],
    [{ status: 'FAILED', exitCode: null, signal: 'SIGKILL' }, 137],
    [{ status: 'FAILED', exitCode: null, signal: null }, 1],
    [{ status: 'CANCELLED', exitCode: null, signal: 'SIGTERM' }, 130],
    [{ status: 'LOST', exitCode: null, signal: null }, 1],
  ])('%j exits %d', (task, status) => expect(exitStatusOfTask(task)).toBe(status));
});

describe('the rest', () => {
  test('tokens are made, listed and revoked', async () => {
    await k('session create tokens');
    const { token, id } = await json('token create --session tokens --name ci --expires 1h');
    const env = { KERUTA_API_TOKEN: token };
    expect(await k('token list', { env })).toMatchObject({ status: 3 });
    expect((await k('session show tokens', { env })).status).toBe(0);
    expect((await k('token list')).out).toMatch(/ci +session/);
    const listed = (await json('token list')) as { id: string; name: string }[];
    expect((await k(`token revoke ${id ?? listed.find((one) => one.name === 'ci')?.id}`)).status).toBe(0);
  });

  test('agents are listed', async () => {
    expect(await json('agent list')).toEqual([]);
    expect((await k('agent list')).err).toContain('keruta daemon');
  });

  test('health finds the server and its token by the files in the home', async () => {
    const { status, out } = await k('health');
    expect([status, out]).toEqual([0, expect.stringContaining(server.url)]);
  });

  test('the local token is not sent to an address that was configured', async () => {
    const { status, err } = await k('session list', {
      env: { KERUTA_API_URL: server.url.replace('127.0.0.1', 'localhost') },
    });
    expect(status).toBe(3);
    expect(err).toContain('set KERUTA_API_TOKEN');
  });

  test('a token file that is named must be there', async () => {
    expect(await k('session list --api-token-file gone')).toMatchObject({ status: 4 });
    writeFileSync(join(home, 'my.token'), `${server.token}\n`);
    expect(
      await k(`session list --api-token-file my.token --api-url ${server.url}`, { cwd: home }),
    ).toMatchObject({ status: 0 });
  });
});
