import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasEnded, pause, until } from '../e2e/place.ts';
import { Disk, noDisks } from './lab/disk.ts';
import { Lab } from './lab/lab.ts';
import { descriptors, has, isLiving, shimOf } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';

/** E. The agent's disk. What is in its state files and is damaged: state-files.test.ts. */
let lab: Lab;
beforeAll(async () => {
  // short leases, so that an agent that forgets to renew is found out
  lab = await Lab.open('disk', [], { KERUTA_LEASE: '4s' });
});
afterAll(() => lab.close());

interface Health {
  readonly status: string;
  readonly reasons: readonly string[];
}

/** A disk at the base directory of the agent of a session. */
function diskFor(session: string, options: string): Disk {
  const disk = Disk.mount(lab.place.path(`base-${session}`), options);
  onTestFinished(() => disk.remove());
  return disk;
}

/** How to ask the agent on a base directory about itself, also when the directory is gone. */
function asker(base: string): () => Promise<Health> {
  const { url } = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { url: string };
  return async () =>
    (await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) })).json() as Promise<Health>;
}

const saysReason = (ask: () => Promise<Health>, reason: string) =>
  until(`it says ${reason}`, async () => (await ask()).reasons.includes(reason), 30_000);

/** @returns how long it took; ms */
async function untilHealthy(ask: () => Promise<Health>): Promise<number> {
  const since = Date.now();
  await until('it is healthy', async () => (await ask()).status === 'healthy', 60_000);
  return Date.now() - since;
}

/** What the agent and the script had to say in the log of a task. */
async function said(id: string): Promise<string> {
  return JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
}

interface AttemptRow {
  readonly streams: Readonly<
    Record<'stdout' | 'stderr', { readonly size: number; readonly lostBytes: number }>
  >;
}

describe.skipIf(noDisks !== null)(`on a disk of its own (${noDisks ?? 'tmpfs'})`, () => {
  test('F-51: a disk that a talking task fills, and that is freed: what is missing is counted and told, the rest is whole', async () => {
    const session = await lab.place.session('f51');
    const disk = diskFor(session, 'size=6m');
    const agent = await lab.agent(session, { env: { KERUTA_MIN_FREE_DISK: '1MB' } });
    const ask = asker(disk.directory);
    const lines = 120_000;
    const id = await lab.submit(
      session,
      `for ((i = 1; i <= ${lines}; i++)); do printf 'out %08d %080d\\n' $i 0; done; exit 7`,
    );
    await saysReason(ask, 'disk_low');
    const runs = join(disk.directory, 'runs');
    const probe = () => readdirSync(runs).some((run) => existsSync(join(runs, run, 'probe.stdout')));
    await until('the run waits for space', probe, 30_000);
    expect(await lab.place.task(id)).toMatchObject({ status: 'PROCESSING', attempt: 1 });
    disk.set('remount,size=100m');
    const recoveredMs = await untilHealthy(ask);
    const task = await lab.place.when(
      id,
      (seen) => hasEnded(seen.status) && seen.logComplete === true,
      60_000,
    );
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 7, reason: null, attempt: 1 });
    const text = await lab.place.logs(id, 'stdout');
    const [attempt] = await lab.place.api<AttemptRow[]>('GET', `/tasks/${id}/attempts`);
    const missing = lines * 94 - Buffer.byteLength(text);
    const counted = attempt?.streams.stdout.lostBytes ?? 0;
    expect(missing).toBeGreaterThan(0);
    expect(missing).toBeLessThanOrEqual(counted);
    const whole = text.split('\n').filter((line) => /^out \d{8} 0{80}$/.test(line));
    const numbers = whole.map((line) => Number(line.slice(4, 12)));
    expect(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0))).toBe(true);
    expect(numbers.at(-1)).toBe(lines);
    expect(await said(id)).toContain('bytes of stdout are missing behind byte');
    expect(isLiving(agent.pid)).toBe(true);
    const next = await lab.submit(session, 'echo next');
    expect(await lab.place.ended(next)).toMatchObject({ status: 'COMPLETED' });
    tally({
      row: 'F-51',
      rounds: 1,
      lines: numbers.length,
      note: `${missing} bytes missing, ${counted} told; healthy after ${recoveredMs} ms`,
    });
    await agent.stop('SIGKILL');
  });

  test('F-52: a base directory that becomes read-only under a task: degraded, no new task, and the one that runs ends truly', async () => {
    const session = await lab.place.session('f52');
    const disk = diskFor(session, 'size=64m');
    const agent = await lab.agent(session, { env: { KERUTA_MIN_FREE_DISK: '1MB' } });
    const ask = asker(disk.directory);
    const ledger = await lab.ledger(session, { lines: 3000, pauseSeconds: 0.1 });
    await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 500);
    disk.cover();
    expect(() => writeFileSync(join(disk.directory, 'x'), '')).toThrow('EROFS');
    await saysReason(ask, 'disk_read_only');
    expect(await ask()).toMatchObject({ status: 'degraded' });
    await lab.check(ledger);
    const next = await lab.submit(session, 'echo next');
    await saysReason(ask, 'disk_read_only');
    expect(await lab.place.task(next)).toMatchObject({ status: 'PENDING' });
    disk.uncover();
    const recoveredMs = await untilHealthy(ask);
    expect(await lab.place.ended(next, 30_000)).toMatchObject({ status: 'COMPLETED' });
    expect(isLiving(agent.pid)).toBe(true);
    tally({ row: 'F-52', rounds: 1, lines: 6000, note: `healthy after ${recoveredMs} ms` });
    await agent.stop('SIGKILL');
  });

  test('F-55: a disk without inodes in the middle of a task: the task ends truly, the next one waits for inodes', async () => {
    const session = await lab.place.session('f55 inodes');
    const disk = diskFor(session, 'size=64m,nr_inodes=300');
    const agent = await lab.agent(session, { env: { KERUTA_MIN_FREE_DISK: '1MB' } });
    const ask = asker(disk.directory);
    const ledger = await lab.ledger(session, { lines: 3000, pauseSeconds: 0.1 });
    await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 500);
    disk.fillFiles();
    await saysReason(ask, 'disk_no_files');
    const next = await lab.submit(session, 'echo next');
    // how it ended is a file of its own
    await until(
      'it has written all',
      async () => (await lab.place.logs(ledger.id, 'stderr')).endsWith('err 3000\n'),
      30_000,
    );
    disk.free();
    await lab.check(ledger);
    const recoveredMs = await untilHealthy(ask);
    expect(await lab.place.ended(next, 30_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(isLiving(agent.pid)).toBe(true);
    tally({ row: 'F-55', rounds: 1, lines: 6000, note: `no inodes; healthy after ${recoveredMs} ms` });
    await agent.stop('SIGKILL');
  });
});

test.skipIf(!has('prlimit'))(
  'F-55: an agent that may open no file more keeps its claim for three leases, and brings the task to its end',
  async () => {
    const session = await lab.place.session('f55 files');
    const agent = await lab.agent(session);
    const go = lab.place.path('f55-go');
    const id = await lab.submit(
      session,
      `echo one; while [ ! -e '${go}' ]; do sleep 0.05; done; echo two; exit 5`,
    );
    await until('it runs', async () => (await lab.place.logs(id)).includes('one'));
    const limit = (count: number) => lab.place.bash(`prlimit --pid ${agent.pid} --nofile=${count}:4096`);
    const open = Object.keys(descriptors(agent.pid)).length;
    expect(await limit(open)).toMatchObject({ status: 0 });
    const until15 = Date.now() + rounds(13_000, 60_000);
    const seen = new Set<string>();
    await until(
      'three leases have passed',
      async () => {
        seen.add((await lab.place.task(id)).status);
        return Date.now() > until15;
      },
      90_000,
    );
    expect([...seen]).toEqual(['PROCESSING']);
    writeFileSync(go, '');
    expect(await limit(4096)).toMatchObject({ status: 0 });
    const task = await lab.place.when(id, ({ logComplete }) => logComplete === true, 60_000);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 5, attempt: 1, reason: null });
    expect(await lab.place.logs(id, 'stdout')).toBe('one\ntwo\n');
    tally({ row: 'F-55', rounds: 1, note: `${open} descriptors and no more` });
    await agent.stop('SIGKILL');
  },
);

test.skipIf(!has('prlimit'))(
  'F-55: a script that ends while its agent may open no file more: its exit code and all of its output are told once that is over',
  async () => {
    const session = await lab.place.session('f55 end');
    const agent = await lab.agent(session);
    const go = lab.place.path('f55-end-go');
    const script = `echo one; while [ ! -e '${go}' ]; do sleep 0.05; done; seq 1 20000; exit 5`;
    const id = await lab.submit(session, script);
    await until('it runs', async () => (await lab.place.logs(id)).includes('one'));
    const limit = (count: number) => lab.place.bash(`prlimit --pid ${agent.pid} --nofile=${count}:4096`);
    // fewer than it has open: none is free below
    expect(await limit(10)).toMatchObject({ status: 0 });
    writeFileSync(go, '');
    const run = lab.place.path(`base-${session}/runs`, `${id}.1`);
    await until('its end is written down', () => existsSync(join(run, 'drained')), 60_000);
    // several looks at how the script is
    const shim = shimOf(run);
    await until('what recorded it is gone', () => !isLiving(shim), 60_000);
    await pause(3_000);
    expect(await lab.place.task(id)).toMatchObject({ status: 'PROCESSING', reason: null });
    expect(await limit(4096)).toMatchObject({ status: 0 });
    const task = await lab.place.when(id, ({ logComplete }) => logComplete === true, 60_000);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 5, attempt: 1, reason: null });
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(await lab.place.logs(id, 'stdout')).toBe(`one\n${lines}`);
    tally({ row: 'F-55', rounds: 1, lines: 20_001, note: 'the end comes without descriptors' });
    await agent.stop('SIGKILL');
  },
);

describe('F-56: a base directory that somebody cleans away under the agent', () => {
  test('in the middle of a task: what is lost is told, and everything is there again for the next task', async () => {
    const session = await lab.place.session('f56');
    const base = lab.place.path(`base-${session}`);
    const agent = await lab.agent(session);
    const ask = asker(base);
    const id = await lab.submit(session, 'echo one; sleep 1; echo two; sleep 3; echo three; exit 3');
    await until('it runs', async () => (await lab.place.logs(id)).includes('one'));
    rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    const task = await lab.place.whole(id, 30_000);
    expect(task).toMatchObject({ status: 'FAILED', attempt: 1 });
    expect(await said(id)).toContain('The file that kept stdout was deleted while the task ran');
    const recoveredMs = await untilHealthy(ask);
    const next = await lab.submit(session, 'echo next');
    expect(await lab.place.ended(next)).toMatchObject({ status: 'COMPLETED' });
    expect(isLiving(agent.pid)).toBe(true);
    expect(lstatSync(base).mode & 0o777).toBe(0o700);
    expect((await lab.place.bash(`find '${base}' -perm /077`)).stdout).toBe('');
    const second = await lab.place.keruta([
      'daemon',
      '--session-id',
      session,
      '--base-dir',
      base,
      '--port',
      '0',
    ]);
    expect(second.stderr).toContain(`pid ${agent.pid}`);
    expect(second.status).not.toBe(0);
    const status = await lab.place.keruta(['daemon', 'status', '--json', '--base-dir', base]);
    expect(JSON.parse(status.stdout)).toMatchObject({ running: true, health: 'healthy' });
    tally({ row: 'F-56', rounds: 1, note: `${task.reason}; healthy after ${recoveredMs} ms` });
    await agent.stop('SIGKILL');
  });

  test('and replaces by a link: nothing is written behind it, no task is run, and all is well when the link is gone', async () => {
    const session = await lab.place.session('f56 link');
    const base = lab.place.path(`base-${session}`);
    const target = lab.place.path('f56-target');
    const agent = await lab.agent(session);
    const ask = asker(base);
    await untilHealthy(ask);
    mkdirSync(target);
    // the agent may make it anew in between
    for (let isLinked = false; !isLinked; ) {
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
      try {
        symlinkSync(target, base);
        isLinked = true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    await saysReason(ask, 'files_unreadable');
    const id = await lab.submit(session, 'echo done');
    await saysReason(ask, 'files_unreadable');
    // a claim that was under way may have been answered with the task
    expect((await lab.place.task(id)).status).toMatch(/^(PENDING|PROCESSING)$/);
    expect(await lab.place.logs(id)).toBe('');
    expect(readdirSync(target)).toEqual([]);
    unlinkSync(base);
    expect(await lab.place.ended(id, 30_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    const recoveredMs = await untilHealthy(ask);
    expect(lstatSync(base).isDirectory()).toBe(true);
    tally({ row: 'F-56', rounds: 1, note: `a link in its place; healthy after ${recoveredMs} ms` });
    await agent.stop('SIGKILL');
  });
});
