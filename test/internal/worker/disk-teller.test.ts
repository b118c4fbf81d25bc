import { describe, expect, test } from 'vitest';
import type { DiskReport } from '../../../internal/api/task-source.ts';
import { NotFoundError, UnavailableError } from '../../../internal/domain/errors.ts';
import { DiskTeller } from '../../../internal/worker/disk-teller.ts';
import type { DiskState } from '../../../internal/worker/disk-watch.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

function open(answer: () => Promise<void> = async () => {}) {
  const clock = new TestClock();
  const told: DiskReport[] = [];
  const source = {
    tellDisk: (disk: DiskReport) => {
      told.push(disk);
      return answer();
    },
  };
  const teller = new DiskTeller({ clock, random: systemRandom, log: silentLog, source, floorBytes: 5 });
  const note = async (...states: DiskState[]) => {
    for (const state of states) {
      teller.note({ state, freeBytes: 1 });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, teller, note, states: () => told.map(({ state }) => state), told };
}

describe('the disk of an agent', () => {
  test('is told of once for each time that it runs full', async () => {
    const { note, states, told } = open();
    await note('ok', 'low', 'low', 'no_files', 'ok', 'unknown', 'read_only', 'read_only');
    expect(states()).toEqual(['low', 'read_only']);
    expect(told[0]).toEqual({ state: 'low', freeBytes: 1, floorBytes: 5 });
  });

  test('is told of again later when the server gives no answer', async () => {
    let isAway = true;
    const { clock, note, states } = open(async () => {
      if (isAway) throw new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'away');
    });
    await note('low', 'low');
    expect(states()).toEqual(['low']);
    isAway = false;
    clock.advance(120_000);
    await note('low', 'low');
    expect(states()).toEqual(['low', 'low']);
  });

  test('is no matter for a server that does not know the call, or for a source without one', async () => {
    const { clock, note, states } = open(async () => {
      throw new NotFoundError('KERUTA_ERR_NOT_FOUND', 'no such route');
    });
    await note('low');
    clock.advance(120_000);
    await note('low');
    expect(states()).toEqual(['low']);
    const bare = new DiskTeller({ clock, random: systemRandom, log: silentLog, source: {}, floorBytes: 5 });
    bare.note({ state: 'low', freeBytes: 1 });
    await bare.stop();
  });

  test('keeps no agent from its end', async () => {
    const aborting = new DiskTeller({
      ...{ clock: new TestClock(), random: systemRandom, log: silentLog, floorBytes: 5 },
      source: {
        tellDisk: (_disk: DiskReport, signal: AbortSignal) =>
          new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
    });
    aborting.note({ state: 'low', freeBytes: 1 });
    await aborting.stop();
  });
});
