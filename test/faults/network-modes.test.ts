import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pause, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { isStopped } from './lab/processes.ts';
import { FlakyProxy, type ProxyMode } from './lab/proxy.ts';
import { inLanes, rounds, tally } from './lab/rounds.ts';

/** D. A network that misbehaves between agent and server while a ledger runs and leaves a file. */
let lab: Lab;
/** whose leases are soon over in the selection */
let leasing: Lab;
const leaseMs = rounds(12_000, 45_000);
const proxies: FlakyProxy[] = [];
beforeAll(async () => {
  lab = await Lab.open('network-modes');
  leasing = await Lab.open('network-leases', [], { KERUTA_LEASE: `${leaseMs}ms`, KERUTA_BOOT_GRACE: '1s' });
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  await lab.close();
  await leasing.close();
});

/** An agent with a network of its own. */
async function behindProxy(name: string, place = lab) {
  const session = await place.place.session(name);
  const proxy = await FlakyProxy.listen(place.server.port);
  proxies.push(proxy);
  const agent = await place.agent(session, { env: { KERUTA_API_URL: proxy.url } });
  return { session, proxy, agent };
}

describe.concurrent('in mid-run', () => {
  const cases: readonly [string, ProxyMode, number][] = [
    ['F-37', 'refuse', 0],
    ['F-38', 'blackhole', 0],
    ['F-37', 'reset', 0],
    ['F-40', 'eat', 0],
    ['F-41', 'cut', 1000],
    ['F-46', 'slow', 10_000],
    ['F-46', 'delay', 700],
  ];
  test.each(cases)('%s: a network in mode %s (%i) costs time and nothing else', async (row, mode, amount) => {
    const { session, proxy, agent } = await behindProxy(`${row} ${mode}`);
    const lines = 3000;
    const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.1 });
    await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);
    proxy.set(mode, amount);
    // the script is over before the network is well again
    await pause(5000);
    proxy.set('pass');
    const wellAt = Date.now();
    await lab.check(ledger, {}, 90_000);
    tally({
      row,
      rounds: 1,
      lines: 2 * lines,
      note: `${mode}: whole ${Date.now() - wellAt} ms after it was over`,
    });
    await agent.stop('SIGKILL');
  });
});

describe.concurrent('in each phase of a task', () => {
  const outageMs = rounds(2_500, 60_000);
  /**
   * What an agent asks at most meanwhile, of everything that it does at the same time: the claim is renewed every 2.5 to 5 s,
   * all else is tried again at pauses that double. For the minutes after the first: test/internal/worker/retry.test.ts.
   */
  const mostTries = rounds(35, 90);
  const phases: readonly [string, string][] = [
    ['poll', ''],
    ['claim', 'after_claim:stop'],
    ['start', 'before_spawn:stop'],
    ['log', 'mid_segment:stop'],
    ['artifact', 'mid_artifact:stop'],
    ['finish', 'before_final:stop'],
  ];
  test.each(phases)(
    'F-37: an outage that begins in phase %s is survived, and everything is delivered',
    async (phase, failpoint) => {
      const session = await lab.place.session(`f37 ${phase}`);
      const proxy = await FlakyProxy.listen(lab.server.port);
      proxies.push(proxy);
      const agent = await lab.agent(session, {
        env: { KERUTA_API_URL: proxy.url },
        ...(failpoint === '' ? {} : { failpoint }),
      });
      if (failpoint === '') proxy.set('refuse');
      const file = 'head -c 6000000 /dev/zero > "$KERUTA_ARTIFACTS_DIR/zeros"';
      const id = await lab.submit(session, `echo out; echo err >&2; ${file}; exit 3`);
      if (failpoint !== '') {
        // it stands still exactly there; the network goes away, then it goes on
        await until(`it comes to ${phase}`, () => agent.stderr().includes('failpoint'), 30_000);
        // it says so just before it stops: what woke it earlier would be in vain
        await until('it stands still', () => isStopped(agent.child.pid ?? 0), 30_000);
        proxy.set('refuse');
        agent.child.kill('SIGCONT');
      }
      // each try is one connection: none is repeated within a call
      const before = proxy.connections;
      await pause(outageMs);
      await until('it has tried', () => proxy.connections > before, 30_000);
      const tries = proxy.connections - before;
      expect(tries).toBeLessThanOrEqual(mostTries);
      proxy.set('pass');
      const task = await lab.place.when(id, ({ logComplete }) => logComplete === true, 90_000);
      expect(task).toMatchObject({ status: 'FAILED', exitCode: 3, attempt: 1, reason: null });
      expect(await lab.place.logs(id, 'stdout')).toBe('out\n');
      expect(await lab.place.logs(id, 'stderr')).toBe('err\n');
      expect(await lab.place.artifacts(id)).toMatchObject([{ path: 'zeros', size: 6_000_000 }]);
      const note = `outage of ${outageMs / 1000} s in phase ${phase}: ${tries} tries`;
      tally({ row: 'F-37', rounds: 1, note });
      await agent.stop('SIGKILL');
    },
  );
});

describe.concurrent('F-46: a task fills a line for three leases', () => {
  const cases: readonly [string, ProxyMode, number][] = [
    ['on which everything comes two seconds late', 'delay', 2_000],
    ['that carries 50 KB a second', 'slow', 50_000],
  ];
  test.each(cases)('%s: the lease is renewed all the while, and all arrives', async (what, mode, amount) => {
    const { session, proxy, agent } = await behindProxy(`f46 ${mode}`, leasing);
    const [go, told] = [leasing.place.path(`f46-${mode}-go`), leasing.place.path(`f46-${mode}-told`)];
    const piece = 100_000;
    const id = await leasing.submit(
      session,
      `n=0; while [ ! -e '${go}' ]; do head -c ${piece} /dev/zero | tr '\\0' a; n=$((n + 1)); sleep 0.5; done; echo $n > '${told}'; exit 7`,
    );
    await until('output arrives', async () => (await leasing.place.logs(id)).length > 0, 60_000);
    proxy.set(mode, amount);
    await pause(rounds(2, 3) * leaseMs + 2_000);
    expect((await leasing.place.task(id)).status).toBe('PROCESSING');
    leasing.place.file(`f46-${mode}-go`, '');
    proxy.set('pass');
    const task = await leasing.place.when(id, ({ logComplete }) => logComplete === true, 90_000);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1, reason: null, late: false });
    const bytes = Number(readFileSync(told, 'utf8')) * piece;
    expect((await leasing.place.logs(id, 'stdout')).length).toBe(bytes);
    expect(leasing.countLost()).toBe(0);
    tally({ row: 'F-46', rounds: 1, note: `${what}: lease ${leaseMs} ms, ${bytes} bytes, LOST 0` });
    await agent.stop('SIGKILL');
  });
});

test('F-40: answers that are lost at random, on every call of an agent, have one effect each', async () => {
  const [count, lanes] = [rounds(6, 60), rounds(1, 4)];
  const names = Array.from({ length: lanes }, (_, lane) => `f40 random ${lane}`);
  const agents = await Promise.all(names.map((name) => behindProxy(name)));
  let [lines, lost] = [0, 0];
  await inLanes({ count, lanes }, async ({ lane, random }) => {
    const { session, proxy } = agents[lane]!;
    // each loss in a row doubles the pause before the next try: more of them would take longer than is waited for
    let left = 8;
    proxy.loses = () => {
      const isLost = left > 0 && random() < 0.4;
      if (isLost) {
        left -= 1;
        lost += 1;
      }
      return isLost;
    };
    const ledger = await lab.ledger(session, { lines: 400, pauseSeconds: 0.02 });
    await lab.check(ledger, {}, 90_000);
    lines += 800;
  });
  expect(lost).toBeGreaterThan(count);
  tally({ row: 'F-40', rounds: count, lines, note: `${lost} answers lost at random` });
  for (const { agent } of agents) await agent.stop('SIGKILL');
});
