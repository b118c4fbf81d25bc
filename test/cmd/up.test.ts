import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { useUpHere } from './up-in-home.ts';

/** Server and agent in this process, for real: scripts run, commands follow them. */
const place = useUpHere();
const k = place.keruta;

test('run shows both streams and exits with the status of the script', async () => {
  const result = await k(['run', '-c', 'echo out; echo err >&2; exit 3', '--quiet']);
  expect(result).toEqual({ status: 3, out: 'out\n', err: 'err\n' });
});

test('run shows progress on a terminal, never in the middle of a line', async () => {
  const seen = join(place.home, 'seen');
  const wait = `until [ -e '${seen}' ]; do sleep 0.05; done`;
  const script = `printf half; keruta progress 40 --message "on it"; sleep 0.4; echo; ${wait}`;
  const { status, out, err } = await k(['run', '-c', script], {
    isTerminal: true,
    onError: (text) => {
      if (text.includes('on it')) writeFileSync(seen, '');
    },
  });
  expect([status, out]).toEqual([0, 'half\n']);
  expect(err).toContain('40 %  on it');
  expect(err).toContain('COMPLETED');
});

test('run says that the task waits, and task input answers it', async () => {
  const running = k(['run', '-c', 'read name; echo "hello $name"', '--input', 'wait']);
  const waiting = await (async () => {
    for (;;) {
      const { out } = await k(['task', 'list', '--status', 'WAITING_FOR_INPUT', '--json']);
      const [task] = JSON.parse(out || '[]') as { id: string }[];
      if (task) return task.id;
      await systemClock.sleep(20);
    }
  })();
  expect((await k(['task', 'show', waiting])).out).toContain('question');
  expect((await k(['task', 'input', waiting, '-'], { stdin: 'ann\n' })).status).toBe(0);
  const { status, out, err } = await running;
  expect([status, out]).toEqual([0, 'hello ann\n']);
  expect(err).toContain('keruta task input');
});

test('logs are followed to the end, read whole, and by stream; a task is tried again', async () => {
  const { out } = await k([
    'task',
    'add',
    '-c',
    'echo one; keruta log WARN careful; echo two >&2; sleep 0.2; echo three; exit 1',
  ]);
  const id = out.trim();
  expect((await k(['task', 'logs', '-f', id, '--stream', 'stdout'])).out).toBe('one\nthree\n');
  expect((await k(['task', 'logs', id])).out.split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
  expect((await k(['task', 'logs', id, '--stream', 'stderr'])).out).toBe('two\n');
  expect((await k(['task', 'logs', id, '--structured', '--level', 'WARN'])).out).toMatch(/WARN +careful\n$/);
  const events = (await k(['task', 'logs', '-f', id, '--json'])).out.trim().split('\n');
  expect(events.map((line) => JSON.parse(line).type)).toContain('output');
  expect((await k(['task', 'retry', id])).out).toContain('waits for its turn again');
  await k(['task', 'logs', '-f', id]);
  expect((await k(['task', 'show', id])).out).toMatch(/attempt +2/);
});

test('Ctrl-C cancels what runs', async () => {
  let interrupt: (name: 'SIGINT') => void = () => {};
  const { status, out } = await k(['run', '-c', 'echo on; sleep 30'], {
    onReady: (play) => (interrupt = play),
    onOutput: (text) => {
      if (text === 'on\n') interrupt('SIGINT');
    },
  });
  expect([status, out]).toEqual([130, 'on\n']);
});

test('the agent is listed, and its state is found by daemon status', async () => {
  expect((await k(['agent', 'list'])).out).toContain('yes');
  const { status, out } = await k(['daemon', 'status', '--json']);
  expect([status, JSON.parse(out)]).toEqual([
    0,
    expect.objectContaining({ running: true, pid: process.pid }),
  ]);
});

test('a daemon takes one task of the session that it is given and ends', async () => {
  const made = JSON.parse((await k(['session', 'create', 'second', '--json'])).out) as { id: string };
  const { out } = await k(['task', 'add', '-c', 'echo mine', '--session', 'second']);
  const base = join(place.home, 'other');
  const url = JSON.parse((await k(['health', '--check-api', '--json'])).out).checks.api.message.split(
    ' ',
  )[0] as string;
  const token = join(place.home, '.keruta/server/admin.token');
  const daemon = await k([
    'daemon',
    '--session-id',
    made.id.slice(0, 8),
    '--once',
    '--base-dir',
    base,
    '--port',
    '0',
    '--api-url',
    url,
    '--api-token-file',
    token,
    '--pid-file',
    'd.pid',
  ]);
  expect(daemon.status).toBe(0);
  expect((await k(['task', 'show', out.trim()])).out).toContain('COMPLETED');
});

test('a script does not inherit the secrets of the server: not those of its settings, nor those that webhooks name', async () => {
  const secrets = ['EMAIL_PASSWORD', 'GITHUB_WEBHOOK_SECRET', 'UP_TEST_HOOK_SECRET'];
  for (const name of [...secrets, 'UP_TEST_PLAIN']) process.env[name] = 'never-tell-this-to-anybody-please';
  try {
    const file = join(place.home, 'hook.yaml');
    const auth = '{ type: github, secretEnv: UP_TEST_HOOK_SECRET }';
    writeFileSync(file, `name: hooked\nrun: "true"\ntriggers: [{ type: webhook, auth: ${auth} }]\n`);
    expect((await k(['apply', '-f', file])).status).toBe(0);
    const names = await k(['run', '-c', "env | grep -o '^[A-Z_]*'", '--quiet']);
    const seen = names.out.split('\n');
    expect(seen.filter((name) => secrets.includes(name))).toEqual([]);
    expect(seen).toContain('UP_TEST_PLAIN');
  } finally {
    for (const name of [...secrets, 'UP_TEST_PLAIN']) delete process.env[name];
  }
});
