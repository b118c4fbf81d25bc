import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Started, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { bystander, descriptors, inSession, isLiving, living, shimOf, slackMs } from './lab/processes.ts';
import { isFull, tally } from './lab/rounds.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** B. What a task starts, and how all of it ends. Each `sleep` has a number of its own, by which it is found. */
const graceMs = isFull ? 10_000 : 1_000;
/** For what has to be measured: longer than it may take. */
const patienceMs = 60_000;
let lab: Lab;
let session = '';
let agent: Started;
/** shares a pipe with the agent, which has it as descriptor 251; must outlive everything here */
let neighbour = 0;

beforeAll(async () => {
  lab = await Lab.open('tree');
  session = await lab.place.session('tree');
  const started = lab.place.start('/bin/bash', ['-c', agentWithNeighbour()], {
    env: { ...lab.place.env, KERUTA_API_URL: lab.proxy.url },
    timeoutMs: 1_800_000,
  });
  agent = started;
  if (isFull) goFirst(started.pid);
  await until('the agent is ready', () => started.stderr().includes('the agent is ready'), 30_000);
  neighbour = Number(readFileSync(lab.place.path('neighbour'), 'utf8'));
});
afterEach(() => lab.place.quiet(session));
afterAll(() => lab.close());

/** F-121, F-122: an agent that was started with more open than it knows of. */
function agentWithNeighbour(): string {
  const { place } = lab;
  return `cd '${place.directory}'; mkfifo shared
sleep 7251000 <>shared >&0 2>&0 & echo $! > neighbour
exec 200>lock 251<>shared 17</dev/null
exec '${place.executable}' daemon --session-id ${session} --port 0 --base-dir '${place.path('base-tree')}' \
  --cancel-grace ${graceMs}ms`;
}

/** Submits a script that says `up`, cancels it then, and waits until nothing of it is alive. */
async function cancelled(script: string, sleeps: RegExp): Promise<{ id: string; deadAfterMs: number }> {
  const id = await lab.submit(session, script);
  await until('it is up', async () => (await lab.place.logs(id, 'stdout')).includes('up\n'), 60_000);
  await until('what it starts is there', () => living(sleeps).length > 0);
  const [before, held] = [Date.now(), heldUp()];
  await lab.place.api('POST', `/tasks/${id}/cancel`, {});
  const isOver = () => living(sleeps).length + living(`${id}.1`).length === 0;
  await until('nothing of it is alive', isOver, patienceMs);
  const deadAfterMs = Date.now() - before;
  expect(deadAfterMs).toBeLessThan(graceMs + slackMs + held());
  const task = await lab.place.when(id, ({ logComplete }) => logComplete, 30_000);
  expect(task).toMatchObject({ status: 'CANCELLED', reason: 'cancel', attempt: 1 });
  expect(isLiving(neighbour)).toBe(true);
  return { id, deadAfterMs };
}

describe('a cancelled task is dead within its grace and two seconds', () => {
  test.each([
    [
      'F-14',
      'one that ignores SIGTERM',
      "trap '' TERM; echo up; sleep 7014001; sleep 7014002",
      /sleep 70140/,
    ],
    [
      'F-14',
      'a child that ignores SIGTERM of a script that uses up nearly all of its grace',
      `(trap '' TERM; exec sleep 7014101) & trap 'sleep ${(graceMs - 300) / 1000}; exit 3' TERM
       echo up; while :; do sleep 0.05; done`,
      /sleep 7014101/,
    ],
    [
      'F-16',
      'one that stopped itself and its whole group',
      'sleep 7016001 & until grep -q sleep /proc/$!/comm; do :; done; echo up; kill -STOP 0; sleep 7016002',
      /sleep 70160/,
    ],
    [
      'F-16',
      'one that ignores SIGTERM and stops itself again and again',
      "trap '' TERM; sleep 7016101 & until grep -q sleep /proc/$!/comm; do :; done; echo up; while :; do kill -STOP $! $$; done",
      /sleep 7016101/,
    ],
    [
      'F-18',
      'a parent that never waits for its children',
      'bash -c "for i in 1 2 3; do true & done; echo up; exec sleep 7018001"',
      /sleep 7018001/,
    ],
  ])('%s: %s', async (row, what, script, sleeps) => {
    const { deadAfterMs } = await cancelled(script, sleeps);
    tally({ row, rounds: 1, note: `${what}: dead after ${deadAfterMs} ms, grace ${graceMs} ms` });
  });

  test('F-15: setsid, double fork, nohup, an emptied environment; what stands beside lives on', async () => {
    const beside = [bystander('sleep', '7115001'), bystander('bash', '-c', 'sleep 7115002 & wait')];
    const script = `setsid sleep 7015001 &
nohup sleep 7015002 >/dev/null 2>&1 &
( ( sleep 7015003 & ) & )
setsid bash -c 'setsid sleep 7015004 >/dev/null 2>&1 </dev/null & exit' &
env -i sleep 7015005 &
setsid env -i sleep 7015006 &
( setsid env -i sleep 7015007 & )
setsid bash -c "trap '' TERM HUP; while :; do sleep 7015008; done" &
coproc sleep 7015009
sleep 0.3; echo up; sleep 7015010`;
    const id = await lab.submit(session, script);
    await until('all ten are there', () => living(/^sleep 70150/).length === 10, 60_000);
    await lab.place.api('POST', `/tasks/${id}/cancel`, {});
    const [before, held] = [Date.now(), heldUp()];
    const left = () => living(/sleep 70150/);
    await until(`all are gone`, () => left().length === 0, patienceMs).catch(() => {});
    expect(left()).toEqual([]);
    expect(Date.now() - before).toBeLessThan(graceMs + slackMs + held());
    tally({ row: 'F-15', rounds: 1, note: `ten processes dead after ${Date.now() - before} ms` });
    await lab.place.ended(id);
    for (const pid of [...beside, neighbour]) expect(isLiving(pid)).toBe(true);
  });
});

test.each([
  ['', 'sleep 7017001 &'],
  [' and ignores SIGTERM', "(trap '' TERM; exec sleep 7017002) &"],
  [' and writes without end', "(trap '' TERM; while :; do echo more; sleep 0.01; done) & sleep 7017003 &"],
])(
  'F-17: a child that holds stdout%s delays the result by less than five seconds, and is ended',
  async (_what, child) => {
    const ended = lab.place.path('f17-ended');
    const held = heldUp();
    const id = await lab.submit(session, `${child} echo said; date +%s%3N > ${ended}; exit 0`);
    const task = await lab.place.ended(id, 60_000);
    const afterMs = Date.now() - Number(readFileSync(ended, 'utf8'));
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, signal: null, reason: null });
    expect(afterMs).toBeLessThan(5_000 + held());
    await lab.place.when(id, ({ logComplete }) => logComplete, 30_000);
    expect(living(/sleep 70170/)).toEqual([]);
    await until('nothing of it is alive', () => living(`${id}.1`).length === 0);
    const lines = await lab.place.api<{ message: string }[]>('GET', `/tasks/${id}/logs`);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'WARN', message: expect.stringMatching(/left \d+ process/) }),
    );
    expect(await lab.place.logs(id, 'stdout')).toMatch(/^said\n|^(more\n)+said\n/);
    tally({ row: 'F-17', rounds: 1, note: `result after ${afterMs} ms` });
  },
);

test('F-27: a time limit ends a task while the API is away, and it is reported when that is back', async () => {
  const seconds = isFull ? 10 : 6;
  const id = await lab.submit(session, "trap '' TERM; echo up; sleep 7027001; sleep 7027002", {
    timeoutSeconds: seconds,
  });
  await until('it is up', async () => (await lab.place.logs(id)) === 'up\n', 60_000);
  const [before, held] = [Date.now(), heldUp()];
  lab.proxy.set('refuse');
  try {
    await until('it is dead', () => living(/sleep 70270/).length === 0, seconds * 1000 + patienceMs);
    expect(Date.now() - before).toBeLessThan(seconds * 1000 + graceMs + slackMs + held());
    tally({
      row: 'F-27',
      rounds: 1,
      note: `limit ${seconds} s, dead ${Date.now() - before} ms after it began`,
    });
    expect(await lab.place.task(id)).toMatchObject({ status: 'PROCESSING' });
  } finally {
    lab.proxy.set('pass');
  }
  const task = await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
  expect(task).toMatchObject({ status: 'FAILED', reason: 'timeout', errorCode: 'TIMEOUT', attempt: 1 });
});

test('F-119: a task that opens its own output by name truncates nothing', async () => {
  const lines = isFull ? 5_000 : 300;
  const script = `for ((i = 1; i <= ${lines}; i++)); do case $((i % 6)) in
0) echo "out $i" > /dev/stdout ;; 1) echo "out $i" > /proc/self/fd/1 ;; 2) echo "out $i" | tee /dev/null ;;
3) echo "out $i" | tee /dev/stderr 2>&1 >/dev/null | cat ;; 4) echo "out $i" > /dev/fd/1 ;; 5) echo "out $i" >> /dev/stdout ;;
esac; echo "err $i" > /dev/stderr; done`;
  const id = await lab.submit(session, script);
  await lab.place.when(id, ({ logComplete }) => logComplete, 120_000);
  const wanted = (word: string) => Array.from({ length: lines }, (_, i) => `${word} ${i + 1}\n`).join('');
  expect(await lab.place.logs(id, 'stdout')).toBe(wanted('out'));
  expect(await lab.place.logs(id, 'stderr')).toBe(wanted('err'));
  tally({ row: 'F-119', rounds: 1, lines: 2 * lines });
});

test('F-121: a task has no descriptor that the agent was started with, nor has what keeps its output', async () => {
  const id = await lab.submit(session, 'echo up; exec sleep 7121001');
  await until('it sleeps', () => living(/^sleep 7121001/).length === 1, 60_000);
  const sleeper = living(/^sleep 7121001/)[0]?.pid ?? 0;
  const own = inSession(shimOf(lab.place.path('base-tree/runs', `${id}.1`)));
  expect(own).toContain(sleeper);
  expect(own.length).toBeGreaterThanOrEqual(4);
  const known = [lab.place.path('shared'), lab.place.path('lock')];
  for (const pid of own)
    for (const path of known) expect(Object.values(descriptors(pid))).not.toContain(path);
  expect(Object.keys(descriptors(sleeper))).toEqual(['0', '1', '2']);
  expect(Object.values(descriptors(agent.pid))).toEqual(expect.arrayContaining(known));
  await lab.place.quiet(session);
  tally({ row: 'F-121', rounds: 1 });
});

test('the bystander with whom the agent shares a pipe has lived through all of this', () => {
  expect(isLiving(neighbour)).toBe(true);
  expect(living('sleep 7251000').map(({ pid }) => pid)).toEqual([neighbour]);
});
