/**
 * `npm run soak -- --hours N`: a server and agents under a random mix of faults, for as long as you like; every log is compared
 * byte for byte. Ends with the slopes of memory, descriptors and disk, and with status 1 at the first broken promise.
 *
 *   node scripts/soak.ts [--hours N | --minutes N] [--sessions N] [--seed N] [--outage SECONDS]
 *
 * `--outage` adds one outage of the API of that length in the middle (3600 is the full one). Each session has a script that writes
 * all through it, agents are killed and stopped meanwhile, and the server that they do not reach is killed, too.
 */
import { parseArgs } from 'node:util';
import { pause, type Started } from '../test/e2e/place.ts';
import { Lab, type LedgerTask } from '../test/faults/lab/lab.ts';
import { chance, seed as freshSeed } from '../test/faults/lab/rounds.ts';
import { measure, type Sample, slopes } from './soak-samples.ts';

const { values } = parseArgs({
  options: {
    hours: { type: 'string' },
    minutes: { type: 'string' },
    sessions: { type: 'string', default: '2' },
    seed: { type: 'string' },
    outage: { type: 'string', default: '0' },
  },
});
const lengthMs = values.minutes ? Number(values.minutes) * 60_000 : Number(values.hours ?? '1') * 3_600_000;
const seed = Number(values.seed ?? freshSeed);
const random = chance(seed);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const outageMs = Number(values.outage) * 1000;
console.log(`soak: ${Math.round(lengthMs / 60_000)} min, seed ${seed}`);

const lab = await Lab.open('soak', [], { KERUTA_LEASE: '20s', KERUTA_BOOT_GRACE: '20s' });
const samples: Sample[] = [];
const agents: (Started | null)[] = [];
/** The scripts that write through the outage: it begins when each session has one. */
const outage = { isNear: false, scripts: 0, over: Promise.withResolvers<void>() };
const counts = { tasks: 0, lines: 0, faults: 0 };
const startedAt = Date.now();
const isOver = () => Date.now() - startedAt > lengthMs;
let failure: unknown = null;

try {
  const lives = Array.from({ length: Number(values.sessions) }, (_, index) => live(index));
  await Promise.all([...lives, trouble(), watch()]);
} catch (error) {
  failure = error;
}
console.log(
  `\n${counts.tasks} tasks, ${counts.lines.toLocaleString('en')} lines compared, ${counts.faults} faults`,
);
for (const line of slopes(samples)) console.log(line);
if (failure !== null) for (const line of standing()) console.log(line);
await lab.close();
if (failure !== null) {
  console.log(`\nFAILED: ${failure instanceof Error ? failure.message : String(failure)}`);
  console.log(`again: npm run soak -- --seed ${seed}${values.minutes ? ` --minutes ${values.minutes}` : ''}`);
}
process.exit(failure === null ? 0 : 1);

/** One session: its agent is always there, or comes back; its ledgers are checked one after another. */
async function live(index: number): Promise<void> {
  const session = await lab.place.session(`soak ${index}`);
  const start = async () => {
    agents[index] = await lab.agent(session, { base: `soak-${index}`, isAwaited: !outage.isNear });
  };
  await start();
  while (!isOver() && failure === null) {
    const writesThrough = outage.isNear;
    const plan = writesThrough ? planThrough(outageMs) : planShort();
    const ledger = await again(() => lab.ledger(session, plan));
    if (writesThrough) outage.scripts += 1;
    const restarts = setInterval(() => {
      if (agents[index]?.child.exitCode === null && agents[index]?.child.signalCode === null) return;
      if (agents[index] !== null) {
        agents[index] = null;
        start().catch(() => {
          agents[index] = { child: { exitCode: 1 } } as unknown as Started;
        });
      }
    }, 200);
    try {
      if (writesThrough) await outage.over.promise;
      await check(ledger);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      clearInterval(restarts);
    }
    counts.tasks += 1;
    counts.lines += 2 * plan.lines;
  }
}

function planShort(): { lines: number; pauseSeconds: number } {
  return { lines: 200 + Math.floor(random() * 4000), pauseSeconds: random() < 0.5 ? 0.03 : 0 };
}

/** A hundred lines on each stream every two seconds, until a little after the outage. */
function planThrough(ms: number): { lines: number; pauseSeconds: number } {
  return { lines: 100 * Math.ceil(ms / 2000 + 10), pauseSeconds: 2 };
}

/** What is alive at the end, and what it said last: a promise may be broken by whoever killed the server from outside. */
function standing(): readonly string[] {
  const all = [['server', lab.server] as const, ...agents.map((agent, n) => [`agent ${n}`, agent] as const)];
  return all.map(([name, started]) => {
    const { exitCode = null, signalCode = null } = started?.child ?? {};
    const state = exitCode === null && signalCode === null ? 'alive' : `ended (${exitCode ?? signalCode})`;
    return `${name}: ${state}; last said: ${started?.stderr?.().trim().split('\n').slice(-3).join(' | ') ?? ''}`;
  });
}

/** The API may be away when the end is asked for: the check waits longer than any fault lasts. */
async function check(ledger: LedgerTask): Promise<void> {
  await lab.check(ledger, {}, 300_000 + outageMs);
}

async function again<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (isOver()) throw error;
      await pause(300);
    }
  }
}

/** Faults at random, one after another. */
async function trouble(): Promise<void> {
  let outageAt = outageMs > 0 ? startedAt + lengthMs / 2 : Number.POSITIVE_INFINITY;
  while (!isOver() && failure === null) {
    await pause(300 + random() * 3000);
    counts.faults += 1;
    if (Date.now() > outageAt) outage.isNear = true;
    if (outage.isNear && outage.scripts === agents.length) {
      outageAt = Number.POSITIVE_INFINITY;
      await troubleInOutage();
    }
    const fault = pick(['agent', 'agent', 'agent', 'server', 'pause', 'network', 'network'] as const);
    if (fault !== 'network') await strike(fault, 4000);
    else {
      const mode = pick(['refuse', 'blackhole', 'reset', 'eat', 'cut', 'slow', 'delay'] as const);
      lab.proxy.set(mode, { cut: 20_000, slow: 50_000, delay: 300 }[mode as string] ?? 0);
      await pause(random() * 3000);
      lab.proxy.set('pass');
    }
  }
  lab.proxy.set('pass');
}

/** Kills the server or an agent, or stops one for a while. @param mostMs  of that while */
async function strike(fault: 'agent' | 'server' | 'pause', mostMs: number): Promise<void> {
  const agent = pick(agents);
  if (fault === 'agent') agent?.child.kill?.('SIGKILL');
  else if (fault === 'server') await lab.restartServer('SIGKILL', random() * 2000);
  else if (agent?.child.kill) {
    agent.child.kill('SIGSTOP');
    await pause(random() * mostMs);
    agent.child.kill('SIGCONT');
  }
}

/** The API is away; everything else goes wrong meanwhile, as often as once a minute. */
async function troubleInOutage(): Promise<void> {
  lab.proxy.set('refuse');
  const endsAt = Date.now() + outageMs;
  for (;;) {
    await pause(Math.max(0, Math.min(20_000 + random() * 80_000, endsAt - Date.now())));
    if (Date.now() >= endsAt || failure !== null) break;
    counts.faults += 1;
    await strike(pick(['agent', 'agent', 'pause', 'server'] as const), 10_000);
  }
  outage.isNear = false;
  console.log(`an outage of ${Math.round(outageMs / 1000)} s is over after ${counts.faults} faults`);
  lab.proxy.set('pass');
  outage.over.resolve();
}

/** Looks at the processes and the disk. */
async function watch(): Promise<void> {
  const everyMs = Math.max(2000, lengthMs / 200);
  while (!isOver() && failure === null) {
    await pause(everyMs);
    samples.push(
      await measure({
        at: Date.now() - startedAt,
        server: lab.server.pid,
        agents: agents.map((agent) => agent?.pid ?? 0),
        data: lab.place.path('server'),
        bases: agents.map((_, index) => lab.place.path(`base-soak-${index}`)),
      }),
    );
  }
}
