import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { ledgerFaults } from './lab/ledger.ts';
import { maxAgentMebibytes, maxServerMebibytes, peakMegabytes } from './lab/processes.ts';
import { digestOf, livePieces } from './lab/reader.ts';
import { isFull, tally } from './lab/rounds.ts';

/** C. Output: how much of it, how fast, and over how slow a line. */
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open('output');
});
afterEach(() => {
  lab.proxy.set('pass');
  lab.proxy.change = null;
});
afterAll(() => lab.close());

const longMs = isFull ? 1_500_000 : 100_000;
const whole = (id: string) => lab.place.when(id, ({ logComplete }) => logComplete, longMs);

/** Peak memory of agent and server, which must be within their bounds. */
function expectBounded(agentPid: number): string {
  const [agent, server] = [peakMegabytes(agentPid), peakMegabytes(lab.server.pid)];
  expect(agent).toBeGreaterThan(10);
  expect(agent).toBeLessThanOrEqual(maxAgentMebibytes);
  expect(server).toBeLessThanOrEqual(maxServerMebibytes);
  return `agent ${agent} MiB, server ${server} MiB at most`;
}

/** What a shell command prints, summed without holding it. */
async function expectedOf(command: string): Promise<{ bytes: number; sha256: string }> {
  const script = `{ ${command}; } | tee >(wc -c >&2) | sha256sum`;
  const { stdout, stderr } = await lab.place.bash(script, { timeoutMs: longMs });
  return { bytes: Number(stderr.trim()), sha256: stdout.slice(0, 64) };
}

test.each([
  [
    'F-28',
    isFull ? '10 GB' : '200 MB',
    `yes 'a line of output' | head -c ${isFull ? 10_000_000_000 : 200_000_000}`,
  ],
  [
    'F-29',
    isFull ? 'a line of 1 GB' : 'a line of 64 MB',
    `head -c ${isFull ? 1_000_000_000 : 64_000_000} /dev/zero | tr '\\0' a`,
  ],
])(
  '%s: %s comes byte for byte, in bounded memory, to a live reader in pieces of 64 KiB at most',
  async (row, what, command) => {
    const session = await lab.place.session(`${row} volume`);
    const agent = await lab.agent(session, { direct: true });
    const before = Date.now();
    const id = await lab.submit(session, command);
    // somebody looks on: pieces are of a bounded size, and go on where the last one ended
    let [next, pieces] = [0, 0];
    for await (const piece of livePieces(lab.place, id)) {
      expect(piece.offset).toBe(next);
      expect(piece.text.length).toBeLessThanOrEqual(64 * 1024);
      next += Buffer.byteLength(piece.text);
      if (++pieces === 200) break;
    }
    expect(pieces).toBe(200);
    expect(await whole(id)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    const seconds = (Date.now() - before) / 1000;
    const memory = expectBounded(agent.pid);
    const expected = await expectedOf(command);
    expect(await digestOf(lab.place, id, 'stdout')).toEqual(expected);
    const rate = Math.round(expected.bytes / 1e6 / seconds);
    tally({ row, rounds: 1, note: `${what}: ${rate} MB/s, ${memory}` });
    await agent.stop('SIGKILL');
  },
);

test('F-33: over a line of 10 KB/s a fast task is not held up, its result is told, its output arrives bit by bit in flat memory, and at last whole', async () => {
  const session = await lab.place.session('f33');
  const agent = await lab.agent(session);
  const lines = isFull ? 20_000_000 : 3_000_000;
  const ended = lab.place.path('f33-ended');
  const id = await lab.submit(
    session,
    `until [ -e ${ended}-go ]; do sleep 0.02; done; seq -f 'out %.0f' ${lines}`,
  );
  await until('it runs', async () => (await lab.place.task(id)).status === 'PROCESSING');
  lab.proxy.set('slow', 10_000);
  const slowFrom = Date.now();
  lab.place.file('f33-ended-go', '');
  const told = await lab.place.ended(id, 60_000);
  expect(told).toMatchObject({ status: 'COMPLETED', exitCode: 0, logComplete: false });
  // what arrives is kept, a little at a time: nothing is sent so large that its answer is given up
  const wanted = isFull ? 400_000 : 90_000;
  let arrived = 0;
  await until(
    `${wanted} bytes are there`,
    async () => {
      arrived = (await digestOf(lab.place, id, 'stdout')).bytes;
      return arrived >= wanted;
    },
    isFull ? 300_000 : 60_000,
  );
  const slowSeconds = (Date.now() - slowFrom) / 1000;
  expect(arrived / slowSeconds).toBeLessThan(100_000);
  expect((await lab.place.task(id)).logComplete).toBe(false);
  const memory = expectBounded(agent.pid);
  lab.proxy.set('pass');
  await whole(id);
  const expected = await expectedOf(`seq -f 'out %.0f' ${lines}`);
  expect(await digestOf(lab.place, id, 'stdout')).toEqual(expected);
  expectBounded(agent.pid);
  tally({
    row: 'F-33',
    rounds: 1,
    lines,
    note: `${memory}; ${arrived} bytes in ${Math.round(slowSeconds)} s over the slow line`,
  });
  await agent.stop('SIGKILL');
});

test('F-34: 100,000 short lines a second cost fewer than 20 requests a second, and all arrive in order', async () => {
  const session = await lab.place.session('f34');
  const agent = await lab.agent(session);
  const seconds = isFull ? 60 : 4;
  let requests = 0;
  lab.proxy.change = (bytes) => {
    requests +=
      bytes.toString('latin1').match(/(GET|HEAD|POST|PUT|PATCH) \/api\/\S+ HTTP\/1\.1\r\n/g)?.length ?? 0;
    return bytes;
  };
  const count = seconds * 100_000;
  // every tenth of a second has its ten thousand, so that the whole takes that long at the least
  const script = `awk 'BEGIN { for (i = 1; i <= ${count}; i++) {
print "out " i; if (i % 10000 == 0) { fflush(); system("sleep 0.09") } } }'`;
  const before = Date.now();
  const id = await lab.submit(session, script);
  await whole(id);
  const tookMs = Date.now() - before;
  expect(ledgerFaults(await textOf(id), 'out', count)).toEqual([]);
  const rate = requests / (tookMs / 1000);
  expect(requests).toBeGreaterThan(5);
  expect(rate).toBeLessThan(20);
  const memory = expectBounded(agent.pid);
  const spoken = `${Math.round(count / (tookMs / 1000))} lines/s, ${rate.toFixed(1)} requests/s`;
  tally({ row: 'F-34', rounds: 1, lines: count, note: `${spoken}, ${memory}` });
  await agent.stop('SIGKILL');
});

async function textOf(id: string): Promise<string> {
  const ended = await lab.place.keruta(['task', 'logs', id, '--stream', 'stdout'], { timeoutMs: longMs });
  expect(ended.status).toBe(0);
  return ended.stdout;
}
