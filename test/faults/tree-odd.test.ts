import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, until, type Wish } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { has, living } from './lab/processes.ts';
import { isFull, tally } from './lab/rounds.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** B. Scripts that are odd, greedy or hostile to the agent. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('tree-odd');
});
afterAll(() => lab.close());

const notes = async (id: string) => {
  const lines = await lab.place.api<{ level: string; message: string }[]>('GET', `/tasks/${id}/logs`);
  return lines.filter(({ level }) => level === 'WARN').map(({ message }) => message);
};
const whole = (id: string) => lab.place.when(id, ({ logComplete }) => logComplete, 60_000);

const cannotSwitch =
  process.getuid?.() !== 0
    ? 'needs root'
    : !has('setpriv') || !has('prlimit')
      ? 'needs setpriv, prlimit'
      : '';

test.skipIf(cannotSwitch !== '')(
  `F-19: during a fork bomb of another user the agent answers, and a cancel ends it${cannotSwitch && ` (${cannotSwitch})`}`,
  async () => {
    const session = await lab.place.session('f19');
    const [base, home] = [lab.place.path('base-f19'), lab.place.path('home-f19')];
    for (const path of [base, home]) {
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, 65_534, 65_534);
    }
    chmodSync(lab.place.directory, 0o755);
    const daemon = [lab.place.executable, 'daemon', '--session-id', session, '--port', '0'];
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'prlimit', '--nproc=150', '--'];
    const words = [...user, ...daemon, '--base-dir', base, '--cancel-grace', '500ms'];
    const env = { ...lab.place.env, HOME: home };
    const agent = lab.place.start('setpriv', words, { env, cwd: home, timeoutMs: 100_000 });
    // the bomb may have the machine, but not what is asked here
    goFirst(agent.pid);
    await until('it is ready', () => agent.stderr().includes('the agent is ready'), 60_000);
    const api = /"api":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
    const id = await lab.submit(session, 'echo up; :(){ :|:& };:\nwait; sleep 7019001');
    const bombs = () => living(`${id}.1/script`).length;
    await until('the bomb is at its limit', () => bombs() > 60, 60_000);
    let worstMs = 0;
    const held = heldUp();
    for (let round = 0; round < 10; round++) {
      const before = Date.now();
      const answer = await fetch(`${api}/health`, { signal: AbortSignal.timeout(10_000) });
      expect(answer.status).toBe(200);
      worstMs = Math.max(worstMs, Date.now() - before);
    }
    expect(worstMs).toBeLessThan((isFull ? 1_000 : 5_000) + held());
    const most = bombs();
    await lab.place.api('POST', `/tasks/${id}/cancel`, {});
    expect(await whole(id)).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    await until('nothing of it is alive', () => bombs() === 0);
    const next = await lab.submit(session, 'echo next');
    expect(await whole(next)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    await agent.stop('SIGKILL');
    tally({ row: 'F-19', rounds: 1, note: `${most} processes seen; slowest /health ${worstMs} ms` });
  },
);

test('F-20: a task that kills the agent goes on, and the next agent brings it to its true end', async () => {
  const session = await lab.place.session('f20');
  const agent = await lab.agent(session);
  const killed = lab.place.path('f20-killed');
  const script = `for i in {1..500}; do echo "out $i"; done
for p in /proc/[0-9]*; do
  tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q "keruta daemon --session-id $KERUTA_SESSION_ID" && kill -9 \${p#/proc/}
done
echo > ${killed}; for i in {501..1000}; do echo "out $i"; done; exit 3`;
  const id = await lab.submit(session, script);
  expect(await agent.ended).toMatchObject({ signal: 'SIGKILL' });
  const next = await lab.agent(session);
  expect(await whole(id)).toMatchObject({ status: 'FAILED', exitCode: 3, reason: null, attempt: 1 });
  const wanted = Array.from({ length: 1000 }, (_, i) => `out ${i + 1}\n`).join('');
  expect(await lab.place.logs(id, 'stdout')).toBe(wanted);
  expect(await notes(id)).toEqual([expect.stringContaining('it was killed, or it crashed')]);
  await next.stop('SIGKILL');
  tally({ row: 'F-20', rounds: 1, lines: 1000, note: 'the agent: taken up, and told' });
});

test.each([
  ['what watches over it', 'kill -9 $PPID', false],
  ['everything of keruta, as `pkill -9 -f keruta` would', 'pkill -9 -f "$BASE"', true],
])(
  'F-20: a task that kills %s is told as such: its end is not known, and nothing of it is left',
  async (what, kill, both) => {
    const session = await lab.place.session(`f20 ${both}`);
    const base = `base-f20-${both}`;
    const options = { base: `f20-${both}`, env: { BASE: lab.place.path(base) } };
    const agent = await lab.agent(session, options);
    const id = await lab.submit(session, `echo before; sleep 7020001 & ${kill}; sleep 7020002; exit 0`);
    if (both) expect(await agent.ended).toMatchObject({ signal: 'SIGKILL' });
    const next = both ? await lab.agent(session, options) : agent;
    expect(await whole(id)).toMatchObject({
      ...{ status: 'FAILED', reason: 'shim_lost', exitCode: null, signal: null, attempt: 1 },
      message: expect.stringContaining('what watched over the run was killed'),
    });
    expect(await lab.place.logs(id, 'stdout')).toBe('before\n');
    expect(living(/^sleep 702000/)).toEqual([]);
    const told = expect.stringContaining('it was killed, or it crashed');
    if (both) expect(await notes(id)).toContainEqual(told);
    else expect(await notes(id)).not.toContainEqual(told);
    const shown = await lab.place.keruta(['task', 'show', id]);
    expect(shown.stdout).toMatch(/^reason +shim_lost$/m);
    expect(shown.stdout).toMatch(/^message +what watched over the run was killed/m);
    const after = await lab.submit(session, 'echo after');
    expect(await whole(after)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    await next.stop('SIGKILL');
    tally({ row: 'F-20', rounds: 1, note: `${what}: shim_lost` });
  },
);

describe('with one agent', () => {
  let session = '';
  let agent: Started;
  beforeAll(async () => {
    session = await lab.place.session('odd');
    agent = await lab.agent(session, { base: 'odd' });
  });
  const run = async (script: string, wish: Wish = {}) => {
    const id = await lab.submit(session, script, wish);
    const task = await whole(id);
    return { id, task, out: await lab.place.logs(id, 'stdout') };
  };

  test.each([
    ['exit 0', { status: 'COMPLETED', exitCode: 0, signal: null, message: '' }],
    ['exit 1', { status: 'FAILED', exitCode: 1, signal: null }],
    [
      'exit 126',
      { status: 'FAILED', exitCode: 126, message: expect.stringContaining('could not be executed') },
    ],
    [
      'no-such-command',
      { status: 'FAILED', exitCode: 127, message: expect.stringContaining('was not found') },
    ],
    ['exit 255', { status: 'FAILED', exitCode: 255, signal: null }],
    ['exit 139', { status: 'FAILED', exitCode: 139, signal: null }],
    ['kill -SEGV $$', { status: 'FAILED', exitCode: null, signal: 'SIGSEGV' }],
    ['kill -KILL $$', { status: 'FAILED', exitCode: null, signal: 'SIGKILL' }],
    ['kill -INT $$', { status: 'FAILED', exitCode: null, signal: 'SIGINT' }],
  ])('F-21: `%s` is told exactly', async (script, expected) => {
    expect((await run(script)).task).toMatchObject({ reason: null, ...expected });
    tally({ row: 'F-21', rounds: 1, note: script });
  });

  test.each([131_071, 131_072, 131_073, 1024 * 1024])('F-22: a script of %i bytes runs', async (bytes) => {
    const [head, tail] = ['echo begin\n#', '\necho end\n'];
    const script = head + 'x'.repeat(bytes - head.length - tail.length) + tail;
    const { task, out } = await run(script, { name: 'long' });
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(out).toBe('begin\nend\n');
    tally({ row: 'F-22', rounds: 1, note: `script of ${bytes} bytes` });
  });

  test('F-22: a script of more than 1 MiB is refused when it is submitted, with its size', async () => {
    const script = `#${'x'.repeat(1024 * 1024)}`;
    await expect(lab.place.submit(session, script, { name: 'too long' })).rejects.toThrow(
      /413.*1048577|413.*1 MiB/,
    );
  });

  test.each([131_072, 500_000])(
    'F-22: a parameter that is a text of %i bytes is refused before anything runs, with its name and size',
    async (bytes) => {
      const { task, out } = await run('echo never', { parameters: { big: 'x'.repeat(bytes), small: 'y' } });
      expect(task).toMatchObject({
        ...{ status: 'FAILED', reason: 'refused', exitCode: null, errorCode: 'KERUTA_ERR_BAD_VALUE' },
        message: expect.stringContaining(`KERUTA_PARAM_BIG has ${bytes} bytes`),
      });
      expect(out).toBe('');
      tally({ row: 'F-22', rounds: 1, note: `parameter of ${bytes} bytes: refused` });
    },
  );

  test('F-22: a parameter that is an object of 500,000 bytes is left out of the environment, which the task says, and stands in the file', async () => {
    const bytes = 500_000;
    const script =
      'echo "[$KERUTA_PARAM_BIG] [$KERUTA_PARAM_SMALL]"; grep -o x "$KERUTA_PARAMETERS_FILE" | wc -l';
    const { id, task, out } = await run(script, {
      parameters: { big: { text: 'x'.repeat(bytes - 1) }, small: 'y' },
    });
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(out).toBe(`[] [y]\n${bytes}\n`);
    expect(await notes(id)).toContainEqual(expect.stringContaining('KERUTA_PARAM_BIG is too long'));
    tally({ row: 'F-22', rounds: 1, note: `parameter of ${bytes} bytes in an object` });
  });

  test('F-22: parameters that are too much together are a clear failure', async () => {
    const parameters = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`p${i}`, 'x'.repeat(120_000)]),
    );
    const { task } = await run('echo never', { parameters });
    expect(task).toMatchObject({
      status: 'FAILED',
      reason: 'refused',
      exitCode: null,
      message: expect.stringContaining('environment'),
    });
    tally({ row: 'F-22', rounds: 1, note: 'environment of 7 MB' });
  });

  test.each([
    [
      'CRLF line ends',
      'for i in 1 2; do\r\n  echo $i\r\ndone\r\n',
      { status: 'COMPLETED', exitCode: 0 },
      '1\n2\n',
    ],
    ['no shebang and no end of line', 'echo $0 | grep -c /', { status: 'COMPLETED' }, '1\n'],
    ['an empty script', '\n', { status: 'COMPLETED', exitCode: 0 }, ''],
    [
      'a missing interpreter',
      '#!/no/such/interpreter\necho hi\n',
      { status: 'FAILED', reason: 'refused', message: expect.stringContaining('/no/such/interpreter') },
      '',
    ],
    [
      'an interpreter with an argument',
      '#!/bin/sh -e\nfalse\necho no\n',
      { status: 'FAILED', exitCode: 1 },
      '',
    ],
  ])('F-23: %s', async (what, script, expected, out) => {
    const ran = await run(script, { name: what });
    expect(ran.task).toMatchObject(expected);
    expect(ran.out).toBe(out);
    tally({ row: 'F-23', rounds: 1, note: what });
  });

  test('F-23: a script with a NUL byte is refused when it is submitted, with its line, and the agent goes on', async () => {
    const refused = lab.submit(session, 'echo one\necho \0two\n');
    await expect(refused).rejects.toThrow(/ 400 .*NUL byte in line 2/);
    lab.place.file('nul.sh', 'echo \0one\n');
    const added = await lab.place.keruta(['task', 'add', '--session', session, lab.place.path('nul.sh')]);
    expect(added).toMatchObject({ stdout: '', stderr: expect.stringContaining('NUL byte in line 1') });
    expect(added.status).not.toBe(0);
    expect((await run('echo next')).out).toBe('next\n');
    tally({ row: 'F-23', rounds: 1, note: 'NUL: refused' });
  });

  test.each([
    ['is left out', 'none'],
    ['is waited for too long', 'wait'],
  ] as const)('F-25: stdin that %s is at its end', async (_what, input) => {
    const { task, out } = await run('read x; echo "status $? [$x]"', { input, inputTimeoutSeconds: 1 });
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(out).toBe('status 1 []\n');
    tally({ row: 'F-25', rounds: 1, note: `input ${input}` });
  });

  test('F-26: of answers that race one reaches the script; others are refused, also wrong, late and huge ones', async () => {
    const gate = lab.place.path('f26-go');
    // it asks again only when all ten were answered: that is another question
    const script = `read x; echo "got [$x]"; until [ -e '${gate}' ]; do sleep 0.05; done; read -t 1 y; echo "then [$y]"`;
    const id = await lab.submit(session, script, { input: 'wait' });
    await lab.place.when(id, ({ status }) => status === 'WAITING_FOR_INPUT', 60_000);
    const answer = (input: string, promptId?: string) =>
      lab.place.api('POST', `/tasks/${id}/input`, { input, ...(promptId ? { promptId } : {}) }).then(
        () => 200,
        (error: Error) => Number(/ (\d{3}) /.exec(error.message)?.[1]),
      );
    expect(await answer('wrong', '00000000-0000-7000-8000-000000000000')).toBe(404);
    // whoever is still writing may find the connection gone before it reads the answer
    expect(['413', 'NaN']).toContain(String(await answer('x'.repeat(10_000_000))));
    const words = Array.from({ length: 10 }, (_, i) => `answer ${i}`);
    const statuses = await Promise.all(words.map((word) => answer(word)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(9);
    const winner = words[statuses.indexOf(200)];
    lab.place.file('f26-go', '');
    await whole(id);
    expect(await lab.place.logs(id, 'stdout')).toBe(`got [${winner}]\nthen []\n`);
    expect(await answer('late')).toBe(409);
    const [asked] = await lab.place.api<{ id: string }[]>('GET', `/tasks/${id}/input-requests`);
    expect(await answer('late', asked?.id)).toBe(409);
    tally({ row: 'F-26', rounds: 1, note: '10 answers at once' });
  });

  afterAll(() => agent.stop('SIGKILL'));
});
