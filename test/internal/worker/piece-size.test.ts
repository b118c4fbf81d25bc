import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptReporter } from '../../../internal/api/task-source.ts';
import { UnavailableError } from '../../../internal/domain/errors.ts';
import { mostPieceBytes, PieceSize } from '../../../internal/worker/piece-size.ts';
import { Place } from './agent-under-test.ts';

const kibibyte = 1024;

describe('the size of a piece', () => {
  test('grows to 4 MiB in six quick answers, and no further', () => {
    const size = new PieceSize();
    const seen = Array.from({ length: 8 }, () => {
      size.took(20, size.bytes);
      return size.bytes / kibibyte;
    });
    expect(seen).toEqual([128, 256, 512, 1024, 2048, 4096, 4096, 4096]);
    expect(size.bytes).toBe(mostPieceBytes);
  });

  test('does not grow by pieces that were smaller than it', () => {
    const size = new PieceSize();
    size.took(1, 100);
    expect(size.bytes).toBe(64 * kibibyte);
  });

  test('settles where a piece takes some seconds: on a line of 10 KB/s all are answered in time', () => {
    const size = new PieceSize();
    for (let count = 0; count < 20; count++) size.took((size.bytes / 10_000) * 1000, size.bytes);
    expect(size.bytes).toBe(32 * kibibyte);
  });

  test('falls to 16 KiB when no answers come, and rises again when they do', () => {
    const size = new PieceSize();
    for (let count = 0; count < 5; count++) size.failed();
    expect(size.bytes).toBe(16 * kibibyte);
    size.took(20, size.bytes);
    expect(size.bytes).toBe(32 * kibibyte);
  });
});

describe('on a line that takes only so much at once', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  /** Lets only pieces through that `fits` likes; no answer comes to the others. */
  function limit(fits: (bytes: number) => boolean): void {
    const reporterOf = place.source.reporter.bind(place.source);
    place.source.reporter = (ref) => {
      const reporter = reporterOf(ref);
      const patchStream: AttemptReporter['patchStream'] = async (piece, signal) => {
        if (fits(piece.bytes.length)) return reporter.patchStream(piece, signal);
        throw new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'no answer within the time limit');
      };
      return { ...reporter, patchStream };
    };
  }

  const linesTo = (last: number) =>
    Buffer.from(Array.from({ length: last }, (_, index) => `${index + 1}\n`).join(''));

  test('output arrives whole, in pieces of that size', async () => {
    limit((bytes) => bytes <= 16 * kibibyte);
    const task = place.source.add('seq 1 40000');
    await place.once();
    const expected = linesTo(40_000);
    const { streams } = place.source.attemptOf(task);
    expect(Buffer.concat(streams.stdout).equals(expected)).toBe(true);
    expect(streams.stdout.length).toBeGreaterThan(10);
  });

  test('an agent that left between two pieces of what it had read is followed by one that knows the checksum', async () => {
    let [left, isOpen] = [3, false];
    limit(() => isOpen || left-- > 0);
    const task = place.source.add('seq 1 200000');
    const expected = linesTo(200_000);
    const first = place.start();
    await place.source.until(() => place.source.attempts[0]?.streams.stdout.length === 3);
    await expect.poll(() => left).toBeLessThan(0);
    first.control.stop('leave');
    await first.exit;
    isOpen = true;
    await place.once();
    const { streams, report } = place.source.attemptOf(task);
    expect(Buffer.concat(streams.stdout).equals(expected)).toBe(true);
    expect(report?.streams.stdout).toMatchObject({ size: expected.length, crc32: crc32(expected) });
    // a wrong one would have been refused, and everything read again
    expect(place.source.calls.filter((call) => call === 'finish')).toHaveLength(1);
  });
});
