import { expect, test } from 'vitest';
import { Backlog } from '../../../internal/worker/backlog.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

function makeBacklog() {
  const clock = new TestClock();
  const sizes = { stdout: 0, stderr: 0 };
  const streams = { stdout: { offset: 0, crc32: 0 }, stderr: { offset: 0, crc32: 0 } };
  const run = { size: async (stream: 'stdout' | 'stderr') => sizes[stream] };
  const backlog = new Backlog(clock, run, { state: { streams } as never });
  const look = (afterMs: number) => {
    clock.advance(afterMs);
    return backlog.look();
  };
  return { sizes, streams, run, look };
}

test('output that waits is counted, and its lag is the age of what is not there yet', async () => {
  const { sizes, streams, look } = makeBacklog();
  expect(await look(1_000)).toEqual({ bytes: 0, lagMs: 0 });
  sizes.stdout = 100;
  sizes.stderr = 5;
  await look(1_000);
  expect(await look(4_000)).toEqual({ bytes: 105, lagMs: 4_000 });
  // what was there at the mark has arrived: the rest is younger
  Object.assign(streams, { stdout: { offset: 100 }, stderr: { offset: 5 } });
  sizes.stdout = 160;
  expect(await look(1_000)).toEqual({ bytes: 60, lagMs: 0 });
  expect(await look(1_000)).toEqual({ bytes: 60, lagMs: 1_000 });
  streams.stdout.offset = 160;
  expect(await look(1_000)).toEqual({ bytes: 0, lagMs: 0 });
});

test('a server that holds the output up makes the lag grow, and a run that is gone changes nothing', async () => {
  const { sizes, run, look } = makeBacklog();
  sizes.stdout = 1;
  await look(1_000);
  for (let minute = 0; minute < 10; minute++) sizes.stdout += 1_000 + (await look(60_000)).bytes * 0;
  const last = await look(1_000);
  expect(last.lagMs).toBe(601_000);
  run.size = () => Promise.reject(new Error('gone'));
  expect(await look(1_000)).toEqual(last);
});
