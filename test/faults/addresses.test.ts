import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { type Started, until } from '../e2e/place.ts';
import { freePort } from '../fixtures/free-port.ts';
import { Lab } from './lab/lab.ts';
import { Cable, noMounts, noNetworks, withHosts } from './lab/namespaces.ts';
import { slackMs } from './lab/processes.ts';
import { FlakyProxy } from './lab/proxy.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** D. Packets that nobody answers for, and a server that moves. Both need namespaces of the kernel. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('addresses');
});
afterAll(() => lab.close());

/** Starts an agent behind words that put it into namespaces. */
async function agentIn(
  words: readonly string[],
  wish: { readonly session: string; readonly url: string },
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
): Promise<Started> {
  const [program = '', ...before] = words;
  const { executable, env } = lab.place;
  const base = ['--base-dir', lab.place.path(`base-${wish.session}`), '--port', '0'];
  const agent = lab.place.start(
    program,
    [...before, executable, 'daemon', '--session-id', wish.session, ...base],
    { env: { ...env, PATH: `${env.PATH}:/usr/sbin:/sbin`, KERUTA_API_URL: wish.url }, timeoutMs: 170_000 },
  );
  onTestFinished(async () => void (await agent.stop('SIGKILL')));
  if (isFull) goFirst(agent.pid);
  await until('the agent is ready', () => agent.stderr().includes('the agent is ready'), 60_000);
  return agent;
}

const droppedWhy = noNetworks === null ? '' : ` (skipped: ${noNetworks})`;
describe.skipIf(noNetworks !== null)(`F-39: when every packet is dropped${droppedWhy}`, () => {
  const lay = (number: number, { onTestFinished }: Pick<TestContext, 'onTestFinished'>) => {
    const cable = Cable.lay(number);
    onTestFinished(() => cable.cut());
    return cable;
  };

  test('no call of an agent waits longer than its limit, the task goes on, and everything is delivered after', async (context) => {
    const cable = lay(1, context);
    const session = await lab.place.session('f39');
    const proxy = await FlakyProxy.listen(lab.server.port, { host: cable.here });
    context.onTestFinished(() => proxy.close());
    const url = `http://${cable.here}:${proxy.port}`;
    const agent = await agentIn(cable.words, { session, url }, context);
    const lines = rounds(3000, 30_000);
    const gate = `gate-${session}`;
    const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.1, gate: lab.place.path(gate) });
    await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);
    cable.drop(true);
    lab.place.file(gate, '');
    const lostAt = performance.now();
    const heard = () => agent.stderr().split('the claim was not renewed').length - 1;
    // a long poll of 2 s, and 15 s more for the head of an answer; then 5 s for each new connection
    await until('a call is given up', () => heard() >= 1, 17_000 + slackMs);
    const firstMs = Math.round(performance.now() - lostAt);
    await until('the next ones too', () => heard() >= 3, 2 * (5_000 + 5_000 + slackMs));
    cable.drop(false);
    const wellAt = performance.now();
    await lab.check(ledger, {}, 90_000);
    const wholeMs = Math.round(performance.now() - wellAt);
    expect(agent.child.exitCode).toBeNull();
    const note = `longest call ${firstMs} ms; whole ${wholeMs} ms after it was over`;
    tally({ row: 'F-39', rounds: 1, lines: 2 * lines, note });
  });

  test('a task command keeps what it has to say, within its two seconds', async (context) => {
    const cable = lay(2, context);
    cable.drop(true);
    const [program = '', ...before] = cable.words;
    const env = {
      ...lab.place.env,
      PATH: `${lab.place.env.PATH}:/usr/sbin:/sbin`,
      KERUTA_API_URL: `http://${cable.here}:8585`,
      KERUTA_TASK_ID: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
      KERUTA_BASE_DIR: lab.place.path('f39'),
    };
    const [began, held] = [performance.now(), heldUp()];
    const words = [...before, lab.place.executable, 'log', 'INFO', 'x'];
    const command = lab.place.start(program, words, { env });
    goFirst(command.pid);
    const ended = await command.ended;
    const tookMs = Math.round(performance.now() - began);
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining('kept for later') });
    expect(tookMs).toBeLessThan(2_000 + slackMs + held());
    tally({ row: 'F-39', rounds: 1, note: `keruta log: kept after ${tookMs} ms` });
  });
});

const movedWhy = noMounts === null ? '' : ` (skipped: ${noMounts})`;
describe
  .skipIf(noMounts !== null)
  .concurrent(`F-47: a server that comes back at another address${movedWhy}`, () => {
    test.for(['refuses', 'is silent'] as const)(
      'is found within 30 s when the old one %s',
      async (old, context) => {
        const session = await lab.place.session(`f47 ${old}`);
        const port = await freePort();
        const [from, to] = await Promise.all(
          ['127.0.0.1', '127.0.0.2'].map((host) => FlakyProxy.listen(lab.server.port, { host, port })),
        );
        if (from === undefined || to === undefined) throw new Error('no proxies');
        context.onTestFinished(() => {
          from.close();
          to.close();
        });
        const name = `api-${old.replace(' ', '-')}.example`;
        const hosts = lab.place.file(`hosts-${port}`, `127.0.0.1 localhost ${name}\n`);
        await agentIn(withHosts(hosts), { session, url: `http://${name}:${port}` }, context);
        const lines = rounds(3000, 30_000);
        const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.1 });
        await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);
        expect(to.connections).toBe(0);

        lab.place.file(`hosts-${port}`, `127.0.0.1 localhost\n127.0.0.2 ${name}\n`);
        if (old === 'refuses') from.set('refuse');
        else from.set('blackhole', 0, { keep: true });
        const movedAt = performance.now();
        await until('it comes to the new one', () => to.connections > 0, 30_000 + slackMs);
        const foundMs = Math.round(performance.now() - movedAt);
        await lab.check(ledger, {}, 90_000);
        tally({
          row: 'F-47',
          rounds: 1,
          lines: 2 * lines,
          note: `the old one ${old}: found after ${foundMs} ms`,
        });
      },
    );
  });
