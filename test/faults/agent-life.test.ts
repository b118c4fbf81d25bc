import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { identityOf } from '../../pkg/process/process-identity.ts';
import { pause, type Started, until } from '../e2e/place.ts';
import { Disk, noDisks } from './lab/disk.ts';
import { Lab } from './lab/lab.ts';
import { intervalsOf } from './lab/ledger.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { goFirst, heldUp, heldUpFromNow, heldUpSinceStart } from './lab/starvation.ts';

/** A. Agents that are paused, stopped, started twice, or that find what others left. */
let lab: Lab;
/** whose leases are those of every server in full rounds */
let leasing: Lab;
const short = { KERUTA_LEASE: '3s', KERUTA_BOOT_GRACE: '1s' };
beforeAll(async () => {
  lab = await Lab.open('agent-life', [], short);
  leasing = await Lab.open('agent-leases', [], isFull ? {} : short);
});
afterAll(async () => {
  await lab.close();
  await leasing.close();
});

describe.concurrent('F-04: an agent that is paused for three leases', () => {
  const pauseMs = rounds(9_500, 135_000);
  /** it runs for longer than the pause */
  const plan = { lines: 4000, pauseSeconds: rounds(6, 40) / 10 };
  const wholeMs = rounds(60_000, 400_000);
  /** @returns how long after the pause began it was LOST; ms */
  async function lost(id: string, pausedAt: number): Promise<number> {
    await leasing.place.when(id, ({ status }) => status === 'LOST', rounds(60_000, 100_000));
    const lostAfterMs = Date.now() - pausedAt;
    expect(lostAfterMs).toBeLessThan(90_000);
    return lostAfterMs;
  }
  const restOf = (pausedAt: number) => pause(Math.max(0, pauseMs - (Date.now() - pausedAt)));
  const noted = (lostAfterMs: number, what: string) =>
    tally({
      ...{ row: 'F-04', rounds: 1, lines: 2 * plan.lines },
      note: `lease ${isFull ? '45' : '3'} s, paused ${pauseMs / 1000} s, LOST after ${lostAfterMs} ms: ${what}`,
    });

  test('finds its task LOST, takes it up again and brings it to its end, in one attempt; another agent runs nothing meanwhile', async () => {
    const session = await leasing.place.session('f04');
    const beats = leasing.place.path('f04-beats');
    const ledger = await leasing.ledger(session, { ...plan, beats });
    const next = await leasing.ledger(session, { lines: 200, pauseSeconds: 0.1, beats });
    const agent = await leasing.agent(session);
    await until('lines arrive', async () => (await leasing.place.logs(ledger.id)).length > 500);
    const pausedAt = Date.now();
    agent.child.kill('SIGSTOP');
    const other = await leasing.agent(session, { base: 'f04-beside' });
    const lostAfterMs = await lost(ledger.id, pausedAt);
    await restOf(pausedAt);
    expect(await leasing.place.task(next.id)).toMatchObject({ status: 'PENDING', attempt: 0 });
    agent.child.kill('SIGCONT');
    await leasing.check(ledger, {}, wholeMs);
    await leasing.check(next, {}, 60_000);
    const runs = intervalsOf(readFileSync(beats, 'utf8'));
    expect(runs.map(({ run }) => run)).toEqual([`${ledger.id}.1`, `${next.id}.1`]);
    const gapMs = Math.round(1000 * ((runs[1]?.start ?? 0) - (runs[0]?.end ?? 0)));
    expect(gapMs).toBeGreaterThanOrEqual(0);
    noted(lostAfterMs, `gone on with; the next task began ${gapMs} ms after its end`);
    for (const each of [agent, other]) await each.stop('SIGKILL');
  });

  test('is not let in again when a person had the task run anew meanwhile: its run ends, the new one stands, and the overlap is told', async () => {
    const session = await leasing.place.session('f04 retried');
    const beats = leasing.place.path('f04-retried-beats');
    const ledger = await leasing.ledger(session, { ...plan, beats });
    const paused = await leasing.agent(session, { base: 'f04-paused' });
    await until('lines arrive', async () => (await leasing.place.logs(ledger.id)).length > 500);
    const pausedAt = Date.now();
    paused.child.kill('SIGSTOP');
    const lostAfterMs = await lost(ledger.id, pausedAt);
    await leasing.place.api('POST', `/tasks/${ledger.id}/retry`, {});
    const other = await leasing.agent(session, { base: 'f04-other' });
    await leasing.place.when(
      ledger.id,
      ({ status, attempt }) => status === 'PROCESSING' && attempt === 2,
      60_000,
    );
    if (isFull) await restOf(pausedAt);
    const old = () => leasing.place.processes().filter(({ command }) => command.includes(`${ledger.id}.1`));
    expect(old()).not.toEqual([]);
    const [backAt, held] = [Date.now(), heldUp()];
    paused.child.kill('SIGCONT');
    await until('the old run is given up', () => paused.stderr().includes('given up'), 60_000);
    await until('the old run is dead', () => old().length === 0, 60_000);
    const diedAt = Date.now();
    // the next renewal, and the grace of 10 s at most
    expect(diedAt - backAt).toBeLessThan(14_000 + held());
    await leasing.check(ledger, { attempts: 2 }, wholeMs);
    expect(old()).toEqual([]);
    const runs = intervalsOf(readFileSync(beats, 'utf8'));
    expect(runs.map(({ run }) => run)).toEqual([`${ledger.id}.1`, `${ledger.id}.2`]);
    expect(1000 * (runs[0]?.end ?? 0)).toBeLessThanOrEqual(diedAt);
    const notes = await leasing.place.api<{ level: string; message: string }[]>(
      'GET',
      `/tasks/${ledger.id}/logs?level=WARN`,
    );
    expect(notes.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^Attempt 1 was given up .* Its script may still run/),
    );
    for (const agent of [paused, other]) await agent.stop('SIGKILL');
    const overlapMs = Math.round(diedAt - 1000 * (runs[1]?.start ?? 0));
    noted(
      lostAfterMs,
      `fenced after a retry by hand; both ran for ${overlapMs} ms, the old one for ${diedAt - backAt} ms since its agent was back`,
    );
  });
});

describe('F-05: SIGTERM', () => {
  test('ends an idle agent at once', async () => {
    const agent = await lab.agent(await lab.place.session('f05 idle'));
    const [before, held] = [Date.now(), heldUpFromNow(agent.pid)];
    expect(await agent.stop()).toMatchObject({ status: 0 });
    expect(Date.now() - before).toBeLessThan(5000 + held());
    tally({ row: 'F-05', rounds: 1, note: `idle: ${Date.now() - before} ms` });
  });

  test('twice cancels the task of a busy one, which ends within grace and five seconds; the log is whole', async () => {
    const session = await lab.place.session('f05 busy');
    const agent = await lab.agent(session, { args: ['--cancel-grace', '1s'] });
    const id = await lab.submit(session, 'trap "" TERM; echo begun; sleep 600');
    await until('it runs', async () => (await lab.place.logs(id)) === 'begun\n');
    agent.child.kill('SIGTERM');
    await until('the first is heard', () => agent.stderr().includes('no further task'));
    const [before, held] = [Date.now(), heldUpFromNow(agent.pid)];
    expect(await agent.stop()).toMatchObject({ status: 0 });
    expect(Date.now() - before).toBeLessThan(6000 + held());
    expect(await lab.place.task(id)).toMatchObject({
      status: 'FAILED',
      reason: 'agent_stop',
      logComplete: true,
    });
    expect(await lab.place.logs(id)).toBe('begun\n');
    tally({ row: 'F-05', rounds: 1, note: `busy, grace 1 s: ${Date.now() - before} ms` });
  });
});

describe('two agents', () => {
  test('F-07: on one base directory: the second ends at once and names the first, which goes on', async () => {
    const session = await lab.place.session('f07');
    const first = await lab.agent(session);
    const before = Date.now();
    const second = lab.place.start(lab.place.executable, [
      ...['daemon', '--session-id', session, '--port', '0', '--base-dir', lab.place.path(`base-${session}`)],
    ]);
    const held = heldUpSinceStart(second.pid);
    goFirst(second.pid);
    const ended = await second.ended;
    expect(ended).toMatchObject({ status: 5, stderr: expect.stringContaining(String(first.pid)) });
    expect(Date.now() - before).toBeLessThan((isFull ? 2_000 : 5_000) + held());
    const ledger = await lab.ledger(session, { lines: 100 });
    await lab.check(ledger);
    await first.stop('SIGKILL');
    tally({ row: 'F-07', rounds: 1, note: `refused after ${Date.now() - before} ms` });
  });

  test('F-08: on one session: no two tasks run at the same time, none runs twice, and who waits says for whom', async () => {
    const session = await lab.place.session('f08');
    const [times, go] = [lab.place.path('f08-times'), lab.place.path('f08-go')];
    const count = rounds(20, 200);
    const first = await lab.submit(session, `until [ -e '${go}' ]; do sleep 0.05; done`);
    const ids: string[] = [];
    for (let task = 0; task < count; task++) {
      const script = `s=$EPOCHREALTIME; sleep 0.0$((RANDOM % 5)); echo "$s $EPOCHREALTIME $KERUTA_TASK_ID" >> '${times}'`;
      ids.push(await lab.submit(session, script));
    }
    const agents: Started[] = [];
    for (const base of ['f08-a', 'f08-b', 'f08-c']) agents.push(await lab.agent(session, { base }));
    const waiting = () =>
      agents.filter((agent) =>
        agent
          .stderr()
          .split('\n')
          .some((line) => line.includes('this one waits') && line.includes(first)),
      );
    // the first wait for a task is over after ten seconds
    await until('two of them wait, and say so', () => waiting().length === 2, 60_000);
    lab.place.file('f08-go', '');
    expect(await lab.place.ended(first, 60_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(waiting()).toHaveLength(2);
    for (const id of ids) expect(await lab.place.ended(id, 60_000)).toMatchObject({ status: 'COMPLETED' });
    const runs = readFileSync(times, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    expect(runs.map(([, , id]) => id).sort()).toEqual([...ids].sort());
    for (const [index, run] of runs.entries()) {
      if (index > 0) expect(Number(run[0])).toBeGreaterThanOrEqual(Number(runs[index - 1]?.[1]));
    }
    for (const agent of agents) await agent.stop('SIGKILL');
    tally({ row: 'F-08', rounds: count, note: 'three agents, one session' });
  });
});

describe('a PID file', () => {
  const start = (session: string, pidFile: string) => lab.agent(session, { args: ['--pid-file', pidFile] });

  test('F-09: of an agent that is dead is replaced', async () => {
    const session = await lab.place.session('f09');
    const pidFile = lab.place.path('f09.pid');
    const dead = await start(session, pidFile);
    await dead.stop('SIGKILL');
    expect(readFileSync(pidFile, 'utf8')).toBe(`${dead.pid}\n`);
    const agent = await start(session, pidFile);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${agent.pid}\n`);
    await agent.stop('SIGKILL');
    tally({ row: 'F-09', rounds: 1 });
  });

  test('F-10: that names a living process of somebody else is replaced, and that process is never signalled', async () => {
    const session = await lab.place.session('f10');
    const bystander = spawn('sleep', ['600']);
    onTestFinished(() => void bystander.kill('SIGKILL'));
    const pidFile = lab.place.path('f10.pid');
    const { startTicks, bootId } = identityOf(bystander.pid ?? 0) ?? {};
    const lives = () => expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    // of another boot; of this one, and the pid was given again since; as another program writes it
    const identities = [`${bystander.pid} ${startTicks} another-boot`, `${bystander.pid} 1 ${bootId}`, ''];
    for (const identity of identities) {
      writeFileSync(pidFile, `${bystander.pid}\n`);
      writeFileSync(`${pidFile}.id`, `${identity}\n`);
      for (const words of [['stop'], ['stop', '--now']]) {
        const stop = await lab.place.keruta(['daemon', ...words, '--pid-file', pidFile]);
        expect(stop).toMatchObject({ status: 4, stderr: expect.stringContaining('no agent runs') });
        lives();
      }
      const agent = await start(session, pidFile);
      expect(readFileSync(pidFile, 'utf8')).toBe(`${agent.pid}\n`);
      expect(await agent.stop()).toMatchObject({ status: 0 });
      lives();
    }
    tally({ row: 'F-10', rounds: identities.length, note: 'stopped twice, then replaced' });
  });

  test.each(['link', 'directory'])(
    'F-11: that is a %s is refused, and what it leads to is left alone',
    async (kind) => {
      const session = await lab.place.session(`f11 ${kind}`);
      const [target, pidFile] = [lab.place.file('f11-target', 'precious'), lab.place.path(`f11-${kind}.pid`)];
      if (kind === 'link') symlinkSync(target, pidFile);
      else mkdirSync(pidFile);
      const args = ['daemon', '--session-id', session, '--port', '0', '--pid-file', pidFile];
      const refused = await lab.place.keruta([...args, '--base-dir', lab.place.path(`base-f11-${kind}`)]);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain(pidFile);
      expect(readFileSync(target, 'utf8')).toBe('precious');
      tally({ row: 'F-11', rounds: 1, note: kind });
    },
  );

  test.skipIf(noDisks !== null)(
    `F-11: on a full disk is refused with its path, and the one that was there is left as it was${noDisks === null ? '' : ` (${noDisks})`}`,
    async () => {
      const session = await lab.place.session('f11 full');
      const disk = Disk.mount(lab.place.path('f11-disk'), 'size=64k');
      onTestFinished(() => disk.remove());
      const pidFile = join(disk.directory, 'agent.pid');
      writeFileSync(pidFile, '99999999\n');
      disk.fill();
      const args = ['daemon', '--session-id', session, '--port', '0', '--pid-file', pidFile];
      const refused = await lab.place.keruta([...args, '--base-dir', lab.place.path('base-f11-full')]);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain(pidFile);
      expect(refused.stderr).toContain('cannot be written: ENOSPC');
      expect(refused.stderr).not.toMatch(/\n +at /);
      expect(readdirSync(disk.directory).sort()).toEqual(['agent.pid', 'ballast']);
      expect(readFileSync(pidFile, 'utf8')).toBe('99999999\n');
      tally({ row: 'F-11', rounds: 1, note: 'full disk' });
    },
  );
});

test('F-13: the state of a newer version is refused, and nothing of it is touched', async () => {
  const session = await lab.place.session('f13');
  const base = lab.place.path('base-f13');
  const run = join(base, 'runs', 'some-task.1');
  mkdirSync(run, { recursive: true, mode: 0o700 });
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const record = JSON.stringify({ version: 99, task: { id: 'some-task' }, attempt: 1 });
  writeFileSync(join(run, 'task.json'), record);
  writeFileSync(join(run, 'stdout'), 'from the future\n');
  const agent = await lab.agent(session, { base: 'f13' });
  const ledger = await lab.ledger(session, { lines: 50 });
  await lab.check(ledger);
  expect(readFileSync(join(run, 'task.json'), 'utf8')).toBe(record);
  expect(existsSync(join(run, 'stdout'))).toBe(true);
  await agent.stop('SIGKILL');
  tally({ row: 'F-13', rounds: 1, note: 'new state, old binary' });
});
