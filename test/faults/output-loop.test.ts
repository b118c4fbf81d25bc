import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Health } from '../../internal/worker/agent-health.ts';
import { pause, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { maxAgentMebibytes, peakMegabytes } from './lab/processes.ts';
import { isFull, tally } from './lab/rounds.ts';
import { noStarvation, Starvation } from './lab/starvation.ts';

/** C. Output: what much of it does to the loop of the agent, which everything else waits for. */
let lab: Lab;
/** Reading a small file is a matter of the threads that FIFOs could hold. */
const limitsMs = { loop: 200, health: 1_000, file: 500 };
type Figure = keyof typeof limitsMs;

beforeAll(async () => {
  lab = await Lab.open('output-loop');
});
afterAll(() => lab.close());

test.skipIf(noStarvation).each([
  ['a task that writes at full speed', `yes 'a line of output'`, isFull ? 2_000 : 300],
  ['a task that writes nothing but a secret', 'yes "$DEPLOY_TOKEN"', isFull ? 500 : 60],
])(
  `G-12: %s, and leaves FIFOs, holds the loop up for less than 200 ms, and /health answers within 1 s${noStarvation ? ` (${noStarvation})` : ''}`,
  async (what, command, megabytes) => {
    const session = await lab.place.session(what);
    const env = { DEPLOY_TOKEN: 'correct-horse-battery-staple' };
    const agent = await lab.agent(session, { direct: true, env });
    const api = /"api":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
    const look = async () => {
      const before = performance.now();
      const health = (await (await fetch(`${api}/health`)).json()) as Health;
      return { health, answerMs: performance.now() - before };
    };
    const machine = new Starvation(agent.pid);
    onTestFinished(() => machine.stop());
    // what the start cost counts for up to thirty seconds
    const startedAt = Date.now();
    const isCalm = async () => (await look()).health.eventLoop.maxDelayMs < limitsMs.loop;
    await until(
      'the start of the agent is forgotten',
      async () => (await isCalm()) || Date.now() - startedAt > 31_000,
      60_000,
    );

    const fifos = `for i in {1..12}; do mkfifo fifo$i dir/fifo$i; echo $i > file$i; done`;
    const id = await lab.submit(
      session,
      `renice -n 19 $$ >&2; cd "$KERUTA_ARTIFACTS_DIR"; mkdir dir; ${fifos}; ${command} | head -c ${megabytes}000000`,
    );
    const worst: Record<Figure, number> = { loop: 0, health: 0, file: 0 };
    let looks = 0;
    for (let isOver = false; !isOver; looks++) {
      const { health, answerMs } = await look();
      expect(health.files.state).not.toBe('unreadable');
      worst.loop = Math.max(worst.loop, health.eventLoop.maxDelayMs);
      worst.health = Math.max(worst.health, answerMs);
      worst.file = Math.max(worst.file, health.files.tookMs);
      isOver = (await lab.place.task(id)).logComplete === true;
      await pause(50);
    }
    expect(await lab.place.task(id)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    const sent = (await lab.place.artifacts(id)).map(({ path }) => path).sort();
    expect(sent).toEqual(Array.from({ length: 12 }, (_, i) => `file${i + 1}`).sort());

    // what it had to wait for a processor within such a time is not its fault: next to nothing on a quiet machine
    const said: string[] = [];
    for (const figure of ['loop', 'health', 'file'] as const) {
      const tookMs = worst[figure];
      const starvedMs = figure === 'loop' ? machine.waitedMs(tookMs) : machine.othersMs(tookMs);
      said.push(`${figure} ${Math.round(tookMs)} ms (up to ${Math.round(starvedMs)} ms of it the machine's)`);
      expect(tookMs - starvedMs, said.join(', ')).toBeLessThan(limitsMs[figure]);
    }
    expect(looks).toBeGreaterThan(5);
    const peak = peakMegabytes(agent.pid);
    expect(peak).toBeLessThanOrEqual(maxAgentMebibytes);
    const note = `${what}, ${megabytes} MB, ${looks} looks: ${said.join(', ')}; ${peak} MiB`;
    tally({ row: 'G-12', rounds: 1, note });
    await agent.stop('SIGKILL');
  },
);
