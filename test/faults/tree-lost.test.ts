import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Started, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { ledgerFaults } from './lab/ledger.ts';
import { bystander, isLiving, living, noNamespaces, shimOf, slackMs, zombiesOf } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';
import { heldUp } from './lab/starvation.ts';

/** B. What watches over a run is killed, or what names its processes is wrong: the run ends, and nothing beside it. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('tree-lost');
});
// what a failed row left must not be counted by the next one
afterEach(() => {
  for (const { pid } of living(/^sleep 712[02]/)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
});
afterAll(() => lab.close());

const runOf = (base: string, id: string) => lab.place.path(`base-${base}/runs`, `${id}.1`);

describe('F-120: what records a run is killed', () => {
  test.each([
    ['the shim', false],
    ['the shim and the agent together', true],
  ])('%s: within ten seconds the end is known, all of it dead, and every line kept', async (_what, both) => {
    let worstMs = 0;
    for (let round = 0; round < rounds(2, 10); round++) {
      const base = `f120-${both}-${round}`;
      const session = await lab.place.session(base);
      const lines = `for ((i = 1; i <= 2000; i++)); do echo "out $i"; done; echo > ${lab.place.path(base)}`;
      const id = await lab.submit(session, `${lines}; setsid sleep 7120001 & sleep 7120002`);
      const agent = await lab.agent(session, { base });
      await until('all is written', () => existsSync(lab.place.path(base)), 60_000);
      await until('it sleeps', () => living(/sleep 712000/).length === 2);
      const [before, held] = [Date.now(), heldUp()];
      const gone = both ? agent.stop('SIGKILL') : null;
      process.kill(shimOf(runOf(base, id)), 'SIGKILL');
      // the next one ends where another one lives
      await gone;
      const next = both ? await lab.agent(session, { base }) : agent;
      const task = await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
      worstMs = Math.max(worstMs, Date.now() - before - held());
      expect(task).toMatchObject({ status: 'FAILED', reason: 'shim_lost', exitCode: null, signal: null });
      expect(ledgerFaults(await lab.place.logs(id, 'stdout'), 'out', 2000)).toEqual([]);
      expect(living(/sleep 712000/)).toEqual([]);
      await next.stop('SIGKILL');
    }
    expect(worstMs).toBeLessThan(8_000 + slackMs);
    tally({ row: 'F-120', rounds: rounds(2, 10), lines: 2000, note: `${both}: known after ${worstMs} ms` });
  });
});

describe('F-122: what says which processes are ours', () => {
  test.each([
    ['empty', ''],
    ['0', '0\n'],
    ['1', '1\n'],
    ['-1', '-1\n'],
    ['a torn line', '17 (bash) S 1 1'],
    ['a line about pid 0', `0 (bash) S 0 0 0 0${' 0'.repeat(40)}\n`],
  ])('is %s: the run is ended and bystanders live, with this agent and with the next', async (what, text) => {
    const beside = [bystander('sleep', '7122101'), bystander('bash', '-c', 'sleep 7122102 & wait')];
    for (const restarts of [false, true]) {
      const name = `f122 ${what} ${restarts}`;
      const base = `f122-${Buffer.from(name).toString('hex')}`;
      const session = await lab.place.session(name);
      const id = await lab.submit(session, 'sleep 7122001 & setsid sleep 7122002 & echo up; sleep 7122003');
      let agent: Started = await lab.agent(session, { base, args: ['--cancel-grace', '200ms'] });
      await until('it is up', () => living(/sleep 712200/).length === 3, 60_000);
      for (const file of ['shim', 'leader', 'holder']) writeFileSync(`${runOf(base, id)}/${file}`, text);
      if (restarts) {
        await agent.stop('SIGKILL');
        agent = await lab.agent(session, { base, args: ['--cancel-grace', '200ms'] });
      }
      await lab.place.api('POST', `/tasks/${id}/cancel`, {}).catch(() => {});
      await lab.place.ended(id, 60_000);
      const [before, held] = [Date.now(), heldUp()];
      await until('it is dead', () => living(/sleep 712200/).length === 0, 60_000);
      expect(Date.now() - before).toBeLessThan(2_000 + slackMs + held());
      await agent.stop('SIGKILL');
    }
    for (const pid of [...beside, lab.server.pid, process.ppid]) expect(isLiving(pid)).toBe(true);
    tally({ row: 'F-122', rounds: 2, note: what });
  });

  test.skipIf(noNamespaces)(
    'names pids that others have by now, in a machine where processes of foreign sessions show session 0: they live',
    async () => {
      const session = await lab.place.session('f122 reused');
      // a pid is given again only when nobody has it as a session or a group either
      const apart = 'setsid sleep 7122201 >/dev/null 2>&1 </dev/null & echo up; sleep 7122202';
      const id = await lab.submit(session, apart, { input: 'none' });
      const base = lab.place.path('base-reused');
      mkdirSync(base);
      const daemon = `${lab.place.executable} daemon --session-id ${session} --port 0 --base-dir ${base}`;
      const run = `${base}/runs/${id}.1`;
      const inside = `${daemon} & agent=$!
until [ -s ${run}/leader ] && pgrep -f '^sleep 7122202' >/dev/null; do sleep 0.05; done
read -r shim rest < ${run}/shim; read -r leader < ${run}/leader
kill -9 $agent; wait $agent; while pkill -9 -s $shim; do sleep 0.02; done
take() { until echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; $2 sleep $3 & [ $! = $1 ]; do kill -9 $!; wait $!; done; }
take $shim setsid 7122301 2>/dev/null; one=$!
take $leader '' 7122302 2>/dev/null; two=$!
echo $shim $leader $one $two > ${lab.place.path('being-written')}; mv ${lab.place.path('being-written')} ${lab.place.path('reused')}
until [ -e ${lab.place.path('joined')} ]; do sleep 0.05; done
${daemon}`;
      const words = ['-p', '-f', '--kill-child', '--mount-proc', 'bash', lab.place.file('inside.sh', inside)];
      const space = lab.place.start('unshare', words, { timeoutMs: 150_000 });
      await until('the pids are reused', () => existsSync(lab.place.path('reused')), 60_000);
      const [shim, leader, ...others] = readFileSync(lab.place.path('reused'), 'utf8').trim().split(' ');
      expect(others).toEqual([shim, leader]);
      // its session's leader is out of the namespace's sight
      const pidOne = living(/^bash \S+inside\.sh/)[0]?.pid ?? 0;
      lab.place.start('nsenter', ['-t', String(pidOne), '-p', '-m', 'sleep', '7122303'], {
        timeoutMs: 150_000,
      });
      await until('it has joined', () => living(/^sleep 7122303/).length === 1);
      lab.place.file('joined', '');
      const task = await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
      expect(task).toMatchObject({ status: 'FAILED', reason: 'shim_lost', attempt: 1 });
      expect(living(/^sleep 71222/)).toEqual([]);
      expect(living(/^sleep 712230[123]/).length).toBe(3);
      await space.stop('SIGKILL');
      tally({ row: 'F-122', rounds: 1, note: 'both pids reused; three bystanders' });
    },
  );
});

test.skipIf(noNamespaces)(
  'F-18: where pid 1 collects nobody, zombies count as dead: a cancel ends and the next task runs',
  async () => {
    const session = await lab.place.session('f18');
    const base = lab.place.path('base-f18');
    const daemon = `${lab.place.executable} daemon --session-id ${session} --port 0 --base-dir ${base} --cancel-grace 300ms`;
    const words = [
      '-p',
      '-f',
      '--kill-child',
      '--mount-proc',
      'bash',
      '-c',
      `${daemon} & exec sleep 7118000`,
    ];
    const space = lab.place.start('unshare', words, { timeoutMs: 150_000 });
    const go = lab.place.path('f18-go');
    // whoever starts them is gone before they end, and does not collect them
    const orphan = `( until [ -e '${go}' ]; do sleep 0.01; done & )`;
    const orphans = `for i in 1 2 3 4 5; do ${orphan}; done; : > '${go}'; setsid sleep 7118001 & echo up; sleep 7118002`;
    const id = await lab.submit(session, orphans);
    await until('it is up', () => living(/^sleep 711800[12]/).length === 2, 60_000);
    const pidOne = living(/^sleep 7118000/)[0]?.pid ?? 0;
    await until('there are zombies', () => zombiesOf(pidOne) >= 5);
    await lab.place.api('POST', `/tasks/${id}/cancel`, {});
    const task = await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
    expect(task).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    expect(living(/^sleep 711800[12]/)).toEqual([]);
    const next = await lab.submit(session, '( sleep 0.01 & ); echo next');
    expect(await lab.place.ended(next, 60_000)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    tally({ row: 'F-18', rounds: 1, note: `${zombiesOf(pidOne)} zombies stayed` });
    await space.stop('SIGKILL');
  },
);
