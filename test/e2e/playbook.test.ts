import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { isAlive } from '../../pkg/process/proc.ts';
import { makePlace, until } from './place.ts';

const place = makePlace('playbook');
afterAll(() => place.close());
const read = (name: string) => readFileSync(place.path(name), 'utf8');
const isThere = (pid: string) => isAlive({ pid: Number(pid), startTicks: null });

/** A pid that a step wrote down with its line end. */
async function pidIn(name: string): Promise<string> {
  let text = '';
  await until(`${name} is written`, () => {
    try {
      text = read(name);
    } catch {
      return false;
    }
    return text.endsWith('\n');
  });
  return text.trim();
}

describe('a playbook by itself', () => {
  test('Ctrl-C ends every process of its step and runs what always runs once', async () => {
    place.file(
      'stop.yaml',
      `steps:
  - name: long
    command: |
      sleep 300 & echo $! > stop.child
      setsid sleep 301 & echo $! > stop.session
      wait
  - { name: never, command: touch stop.never }
  - { name: clean, command: echo cleaned >> stop.log, always: true }
`,
    );
    const running = place.start(place.executable, ['playbook', 'run', 'stop.yaml'], { timeoutMs: 60_000 });
    const pids = [await pidIn('stop.child'), await pidIn('stop.session')];
    expect(pids.filter(isThere)).toEqual(pids);
    expect(await running.stop('SIGINT')).toMatchObject({ status: 130 });
    expect(pids.filter(isThere)).toEqual([]);
    expect(read('stop.log')).toBe('cleaned\n');
    expect(readdirSync(place.directory)).not.toContain('stop.never');
  });

  test('a reader of its output that goes away ends the step with it', async () => {
    const command = 'echo $$ > pipe.child; while :; do echo line; sleep 0.05; done';
    place.file('pipe.yaml', `steps:\n  - { name: talk, command: '${command}' }\n`);
    expect((await place.bash('keruta playbook run pipe.yaml | head -n 3')).stdout).toContain('line\n');
    const pid = await pidIn('pipe.child');
    await until('the step is gone', () => !isThere(pid));
  });

  test('a kill -9 in the middle is gone on with: no step twice, and nothing left of the one before', async () => {
    place.file(
      'go-on.yaml',
      `steps:
  - { name: first, command: 'echo first >> go-on.log; echo "v=1" >> "$KERUTA_OUTPUT"' }
  - name: second
    env: { V: "\${{ steps.first.v }}" }
    command: |
      if [ -e go-on.again ]; then echo "second $V" >> go-on.log; exit 0; fi
      touch go-on.again
      sleep 300 & echo $! > go-on.child
      wait
  - { name: third, command: echo third >> go-on.log }
`,
    );
    const words = ['playbook', 'run', 'go-on.yaml', '--state', 'go-on.state'];
    const first = place.start(place.executable, words, { timeoutMs: 60_000 });
    const pid = await pidIn('go-on.child');
    expect(await place.keruta(words)).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('another process runs'),
    });
    expect((await first.stop('SIGKILL')).signal).toBe('SIGKILL');
    expect(isThere(pid)).toBe(true);
    const second = await place.keruta(words);
    expect(second.status).toBe(0);
    expect(isThere(pid)).toBe(false);
    expect(read('go-on.log')).toBe('first\nsecond 1\nthird\n');
    expect(second.stdout).toContain('[1/3] first: success');
    expect(second.stdout).toContain(
      '<-- [2/3] second: attempt 1: interrupted, keruta itself was ended before it\n--> [2/3] second: attempt 2\n',
    );
    expect(second.stdout).toMatch(/<== \[2\/3\] second: success, \S+, 2 attempts\n/);
  });
});

test('inside a task the steps are live in it, and its artifacts are the task’s', async () => {
  place.file(
    'work/ci.yaml',
    `steps:
  - { name: Make, command: 'echo making; echo x > out.txt', artifacts: out.txt }
  - { name: Wait, command: 'until [ -e go ]; do sleep 0.05; done' }
  - { name: Who, command: 'echo "for $KERUTA_PARAM_WHO"', condition: who == "us" }
`,
  );
  const base = ['--base-dir', place.path('base')];
  const up = place.start(place.executable, ['up', '--port', '0', '--agent-port', '0', ...base], {
    cwd: place.path('work'),
    timeoutMs: 170_000,
  });
  await until('the agent is ready', () => /the agent is ready/.test(up.stderr()));
  const keruta = (...words: string[]) => place.start(place.executable, [...words, ...base]).ended;
  const added = await keruta(
    'task',
    'add',
    '-c',
    `keruta playbook run ${place.path('work/ci.yaml')} --work-dir ${place.path('work')}`,
    '--param',
    'who=us',
  );
  const id = added.stdout.trim().split('\n').at(-1) ?? '';
  const task = async () => JSON.parse((await keruta('task', 'show', id, '--json')).stdout);
  await until(
    'its second step is told',
    async () => (await task()).message === 'ci: step 2 of 3, Wait',
    60_000,
  );
  expect(await task()).toMatchObject({ status: 'PROCESSING', progress: 33 });
  place.file('work/go', '');
  await until('the task is done', async () => (await task()).finishedAt !== null, 60_000);
  expect(await task()).toMatchObject({ status: 'COMPLETED' });
  await until('its log is whole', async () => (await task()).logComplete === true, 30_000);
  const log = (await keruta('task', 'logs', id)).stdout;
  expect(log).toContain('==> [1/3] Make\nmaking\n<== [1/3] Make: success');
  expect(log).toContain('for us\n');
  const artifacts = JSON.parse((await keruta('artifact', 'list', '--task-id', id, '--json')).stdout) as {
    path: string;
  }[];
  expect(artifacts.map(({ path }) => path)).toEqual(['out.txt']);
  expect(await up.stop()).toMatchObject({ status: 0 });
});
