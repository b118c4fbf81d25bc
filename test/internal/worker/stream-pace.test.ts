import { describe, expect, onTestFinished, test } from 'vitest';
import type { AttemptReporter } from '../../../internal/api/task-source.ts';
import type { Run } from '../../../internal/executor/executor.ts';
import type { Cursor } from '../../../internal/worker/cursor.ts';
import { maskingOf } from '../../../internal/worker/masking.ts';
import { StreamLane } from '../../../internal/worker/stream-lane.ts';
import { Wakeup } from '../../../internal/worker/wakeup.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

/** A lane whose server answers at once, and what it sent when; ms. */
function makeLane() {
  const clock = new TestClock();
  const changed = new Wakeup(clock);
  const [complete, stop] = [new AbortController(), new AbortController()];
  onTestFinished(() => stop.abort());
  let text = '';
  const sent: { at: number; text: string }[] = [];
  const read = async (_stream: string, from: number) => Buffer.from(text.slice(from));
  const run = { size: async () => text.length, read } as unknown as Run;
  const patchStream = async ({ offset, bytes }: { offset: number; bytes: Uint8Array }) => {
    sent.push({ at: clock.monotonicMs(), text: Buffer.from(bytes).toString() });
    return { offset: offset + bytes.length, durableOffset: offset + bytes.length };
  };
  const streams = { stdout: { offset: 0, crc32: 0 }, stderr: { offset: 0, crc32: 0 } };
  const lane = new StreamLane(
    { clock, random: systemRandom, log: silentLog },
    {
      ...{ stream: 'stdout', run, changed, complete: complete.signal, masking: maskingOf([]) },
      reporter: { patchStream } as unknown as AttemptReporter,
      cursor: { state: { streams }, touch: () => {} } as unknown as Cursor,
      hear: async () => {},
    },
  );
  const settle = async () => {
    for (let n = 0; n < 20; n++) await new Promise(setImmediate);
  };
  return {
    sent,
    settle,
    carried: lane.carry(stop.signal),
    end: () => {
      complete.abort();
      changed.ring();
    },
    /** Lets time pass in steps of five. */
    pass: async (ms: number) => {
      for (let n = 0; n < ms; n += 5) {
        clock.advance(5);
        await settle();
      }
    },
    say: async (words: string) => {
      text += words;
      changed.ring();
      await settle();
    },
  };
}

describe('what a script writes', () => {
  test('goes out at once when it was silent, and soon when it says a few words', async () => {
    const lane = makeLane();
    await lane.settle();
    await lane.say('one\n');
    expect(lane.sent).toEqual([{ at: 0, text: 'one\n' }]);
    await lane.pass(500);
    await lane.say('two\n');
    await lane.pass(10);
    await lane.say('three\n');
    await lane.pass(40);
    expect(lane.sent.slice(1).map(({ text }) => text)).toEqual(['two\n', 'three\n']);
    expect(lane.sent.at(-1)?.at).toBeLessThanOrEqual(545);
  });

  test('costs fewer than ten requests a second when it goes on, each no later than an eighth of a second, and all arrives', async () => {
    const lane = makeLane();
    await lane.settle();
    let said = '';
    for (let n = 0; n < 400; n++) {
      said += `${n}\n`;
      await lane.say(`${n}\n`);
      await lane.pass(10);
    }
    const late = lane.sent.filter(({ at }) => at >= 1000);
    expect(late.length / 3).toBeLessThan(10);
    const gaps = lane.sent.map(({ at }, n) => at - (lane.sent[n - 1]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(125);
    lane.end();
    await lane.settle();
    await lane.carried;
    expect(lane.sent.map(({ text }) => text).join('')).toBe(said);
  });
});
