import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Health } from '../../internal/worker/agent-health.ts';
import { pause, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { isFull, tally } from './lab/rounds.ts';
import { Starvation } from './lab/starvation.ts';

/** C. Output: what much of it does to the loop of the agent, which everything else waits for. */
const maxDelayMs = 200;
const maxAnswerMs = 1_000;
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open('output-loop');
});
afterAll(() => lab.close());

test('G-12: a task that writes at full speed and leaves FIFOs holds the loop up for less than 200 ms, and /health answers within 1 s', async () => {
  const session = await lab.place.session('loop');
  const agent = await lab.agent(session, { direct: true });
  const api = /"api":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
  const look = async () => {
    const before = performance.now();
    const health = (await (await fetch(`${api}/health`)).json()) as Health;
    return { health, answerMs: performance.now() - before };
  };
  // what the start cost counts for up to thirty seconds
  const calm = async () => (await look()).health.eventLoop.maxDelayMs < maxDelayMs / 2;
  await until('the start of the agent is forgotten', calm, 90_000);

  const megabytes = isFull ? 2_000 : 300;
  const fifos = `for i in {1..12}; do mkfifo fifo$i dir/fifo$i; echo $i > file$i; done`;
  const id = await lab.submit(
    session,
    `cd "$KERUTA_ARTIFACTS_DIR"; mkdir dir; ${fifos}; yes 'a line of output' | head -c ${megabytes}000000`,
  );
  const machine = new Starvation(agent.pid);
  onTestFinished(() => machine.stop());
  let [looks, delayMs, answerMs, filesMs] = [0, 0, 0, 0];
  for (let isOver = false; !isOver; looks++) {
    const seen = await look();
    machine.look();
    delayMs = Math.max(delayMs, seen.health.eventLoop.maxDelayMs);
    answerMs = Math.max(answerMs, seen.answerMs);
    filesMs = Math.max(filesMs, seen.health.files.tookMs);
    expect(seen.health.files.state).not.toBe('unreadable');
    isOver = (await lab.place.task(id)).logComplete;
    await pause(50);
  }
  expect(await lab.place.task(id)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  const sent = (await lab.place.artifacts(id)).map(({ path }) => path).sort();
  expect(sent).toEqual(Array.from({ length: 12 }, (_, i) => `file${i + 1}`).sort());

  // on a quiet machine next to nothing is added
  const allowedMs = machine.worstMs();
  const figures = `loop held up ${delayMs} ms, /health ${Math.round(answerMs)} ms, a file ${filesMs} ms at most; the machine itself up to ${allowedMs} ms`;
  expect(looks, figures).toBeGreaterThan(10);
  expect(delayMs, figures).toBeLessThan(maxDelayMs + allowedMs);
  expect(answerMs, figures).toBeLessThan(maxAnswerMs + allowedMs);
  expect(filesMs, figures).toBeLessThan(maxAnswerMs / 2 + allowedMs);
  tally({ row: 'G-12', rounds: 1, note: `${megabytes} MB, ${looks} looks: ${figures}` });
});
