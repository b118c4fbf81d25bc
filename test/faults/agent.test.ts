import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pause, until } from '../e2e/place.ts';
import { canLimitMemory, makeMemoryGroup } from '../fixtures/memory-group.ts';
import { Lab } from './lab/lab.ts';
import { isLiving } from './lab/processes.ts';
import { inLanes, isFull, rounds, tally } from './lab/rounds.ts';
import { heldUp, heldUpSinceStart } from './lab/starvation.ts';

/** A. The agent's own process. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('agent');
});
afterAll(() => lab.close());

test('F-01: an agent killed at a random instant, again and again, loses nothing and runs nothing twice', async () => {
  const count = rounds(6, 200);
  const lines = 3000;
  // in all rounds the first one dies in the course of ten seconds, for which the script has to last; the next one soon
  const firstMs = (fraction: number) => (isFull ? 100 + fraction * 9_900 : fraction * 900);
  const pauseSeconds = rounds(160, 370) / 1000;
  let [compared, worstMs, adopted] = [0, 0, 0];
  await inLanes({ count, lanes: rounds(2, 8) }, async ({ round, random }) => {
    const session = await lab.place.session(`f01 ${round}`);
    const ledger = await lab.ledger(session, { lines, pauseSeconds });
    for (const [n, aliveMs] of [firstMs(random()), random() * 900].entries()) {
      const agent = await lab.agent(session);
      // of few rounds every second one is known to have begun: enough are left to be taken up
      if (!isFull && n === 0 && round % 2 === 0) {
        await until('it has begun', () => existsSync(ledger.starts), 60_000);
      }
      await pause(aliveMs);
      await agent.stop('SIGKILL');
    }
    const adoptions = async () => {
      const notes = await lab.place.api<{ message: string }[]>('GET', `/tasks/${ledger.id}/logs`);
      return notes.filter(({ message }) => message.includes('was taken up again')).length;
    };
    const known = await adoptions();
    const [before, held] = [Date.now(), heldUp()];
    const last = await lab.agent(session);
    const waited = heldUpSinceStart(last.pid);
    const isAdopted = async () => (await adoptions()) > known;
    // where nothing had begun, or all of it was reported, there is nothing to take up
    const isOver = async () =>
      last.stderr().includes('task claimed') || (await lab.place.task(ledger.id)).logComplete;
    await until('the run is taken up', async () => (await isAdopted()) || (await isOver()), 60_000);
    worstMs = Math.max(worstMs, Date.now() - before - Math.max(held(), waited()));
    if (await isAdopted()) adopted++;
    await lab.check(ledger);
    compared += 2 * lines;
    await last.stop('SIGKILL');
  });
  expect(worstMs).toBeLessThan(10_000);
  expect(adopted).toBeGreaterThan(count / 4);
  tally({
    ...{ row: 'F-01', rounds: count, lines: compared },
    note: `${adopted} runs taken up at last, the worst after ${worstMs} ms`,
  });
});

describe('an agent that dies at a narrow place', () => {
  test.each([
    ['F-02', 'after_claim'],
    ['F-02', 'before_spawn'],
    ['F-03', 'after_exit'],
    ['F-03', 'before_final'],
    ['F-40', 'after_ack'],
    ['F-01', 'mid_segment'],
  ])('%s: %s: the next one brings the task to its true end, run once', async (row, failpoint) => {
    const session = await lab.place.session(`${row} ${failpoint}`);
    const ledger = await lab.ledger(session, { lines: 500, pauseSeconds: 0.01 });
    const dying = await lab.agent(session, { failpoint: `${failpoint}:kill` });
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(dying.stderr()).toContain(`failpoint ${failpoint}: kill`);
    const next = await lab.agent(session);
    await lab.check(ledger);
    await next.stop('SIGKILL');
    tally({ row, rounds: 1, lines: 1000, note: failpoint });
  });

  test('F-108: in the middle of an artifact: it arrives once, whole', async () => {
    const session = await lab.place.session('f108');
    const id = await lab.submit(
      session,
      'head -c 20000000 /dev/urandom > "$KERUTA_ARTIFACTS_DIR/big"; sha256sum < "$KERUTA_ARTIFACTS_DIR/big"',
    );
    const dying = await lab.agent(session, { failpoint: 'mid_artifact:kill@3' });
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    const next = await lab.agent(session);
    await lab.place.whole(id, 60_000);
    const artifacts = await lab.place.artifacts(id);
    expect(artifacts).toMatchObject([{ path: 'big', size: 20_000_000 }]);
    expect(await lab.place.logs(id, 'stdout')).toContain(artifacts[0]?.sha256);
    await next.stop('SIGKILL');
    tally({ row: 'F-108', rounds: 1 });
  });
});

test('F-12: an agent that crashes at each of twenty starts leaves everything for the one that does not', async () => {
  const session = await lab.place.session('f12');
  const ledger = await lab.ledger(session, { lines: 2000, pauseSeconds: 0.05 });
  const first = await lab.agent(session);
  await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 500);
  await first.stop('SIGKILL');
  for (let crash = 0; crash < rounds(4, 20); crash++) {
    // the second place is for a slow machine, on which everything may have been sent by now
    const crashing = await lab.agent(session, { failpoint: 'mid_segment:kill,before_final:kill' });
    await crashing.ended;
  }
  const last = await lab.agent(session);
  await lab.check(ledger);
  await last.stop('SIGKILL');
  tally({ row: 'F-12', rounds: rounds(4, 20), lines: 4000 });
});

test('F-12: an agent inside keruta up that cannot start is tried again more and more rarely', async () => {
  const base = lab.place.path('up-base');
  mkdirSync(base, { mode: 0o700 });
  // where the agents of workflows have their directories
  lab.place.file('up-base/workers', 'in the way');
  lab.place.file('crash.yaml', 'name: crash\nrun: echo x\n');
  const { PATH = '', HOME = '' } = lab.place.env;
  const env = { PATH, HOME, KERUTA_DATA_DIR: lab.place.path('up-data') };
  const start = (...words: readonly string[]) =>
    lab.place.start(lab.place.executable, words, { env, timeoutMs: 170_000 });
  const up = start('up', '--port', '0', '--agent-port', '0', '--base-dir', base);
  await until('it is ready', () => up.stderr().includes('the agent is ready'), 60_000);
  expect(await start('apply', '-f', lab.place.path('crash.yaml')).ended).toMatchObject({ status: 0 });
  const count = rounds(2, 6);
  const told = () =>
    [...up.stderr().matchAll(/^.*the agent of a workflow ended.*$/gm)].map(
      ([line]) => JSON.parse(line) as { readonly time: string; readonly waitMs: number },
    );
  await until('it failed often enough', () => told().length >= count, 120_000);
  const faults = told().slice(0, count);
  const gapsMs = faults
    .map(({ time }) => Date.parse(time))
    .flatMap((at, index, all) => at - (all[index - 1] ?? at));
  for (const [crash, { waitMs }] of faults.entries()) {
    expect(waitMs).toBeGreaterThanOrEqual(500 * 2 ** crash);
    expect(waitMs).toBeLessThanOrEqual(1_000 * 2 ** crash);
    // what is told is what is done, to the millisecond of a stamp
    if (crash > 0) expect(gapsMs[crash]).toBeGreaterThanOrEqual((faults[crash - 1]?.waitMs ?? 0) - 2);
  }
  // everything else of the process works
  expect(await up.stop()).toMatchObject({ status: 0 });
  tally({
    row: 'F-12',
    rounds: count,
    note: `pauses of ${faults.map(({ waitMs }) => waitMs).join(', ')} ms`,
  });
});

const canLimit = await canLimitMemory();

test.skipIf(!canLimit)(
  `F-06: of an agent and a task that share 300 MB the kernel takes the task that eats them${canLimit ? '' : ' (needs root and a control group)'}`,
  async () => {
    const group = makeMemoryGroup(300 * 1024 ** 2);
    onTestFinished(() => group?.remove());
    const session = await lab.place.session('f06');
    const [go, eater] = [lab.place.path('f06-go'), lab.place.path('f06-eater')];
    const words = [
      'daemon',
      '--session-id',
      session,
      '--port',
      '0',
      '--base-dir',
      lab.place.path('base-f06'),
    ];
    const agent = lab.place.start(
      '/bin/bash',
      ['-c', `${group?.enter}; exec "$@"`, 'bash', lab.place.executable, ...words],
      { timeoutMs: 170_000 },
    );
    onTestFinished(async () => void (await agent.stop('SIGKILL')));
    await until('the agent is ready', () => agent.stderr().includes('the agent is ready'), 60_000);
    const id = await lab.submit(
      session,
      `echo $$ > '${eater}'; echo before; while [ ! -e '${go}' ]; do sleep 0.05; done; exec tail /dev/zero`,
    );
    await until('it runs', async () => (await lab.place.logs(id)) === 'before\n');
    const script = Number((await lab.place.bash(`cat '${eater}'`)).stdout);
    expect(group?.processes()).toEqual(expect.arrayContaining([agent.pid, script]));
    lab.place.file('f06-go', '');
    const task = await lab.place.whole(id, 60_000);
    expect(task).toMatchObject({
      ...{ status: 'FAILED', exitCode: null, signal: 'SIGKILL', reason: 'oom', attempt: 1 },
    });
    expect(await lab.place.logs(id)).toBe('before\n');
    expect([isLiving(script), isLiving(agent.pid)]).toEqual([false, true]);
    // the same agent, with the same memory
    const next = await lab.submit(session, 'echo next');
    expect(await lab.place.whole(next, 30_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(isLiving(agent.pid)).toBe(true);
    expect(await agent.stop()).toMatchObject({ status: 0 });
    tally({ row: 'F-06', rounds: 1, note: 'one group of 300 MB: the task died, the agent lives' });
  },
);
