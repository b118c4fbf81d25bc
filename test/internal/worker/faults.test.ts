import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../../internal/domain/errors.ts';
import { Place } from './agent-under-test.ts';
import type { Fault } from './fake-source.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Faults by a fixed sequence of chance, so that a failure can be repeated. */
function faults(seed: number, share: number, methods: readonly string[]): (method: string) => Fault {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return (method) => {
    if (!methods.includes(method) || next() > share) return null;
    return next() > 0.5 ? 'before' : 'after';
  };
}

describe('delivery', () => {
  test.each([1, 2, 3])(
    'is exact to the byte when calls fail and answers are lost (seed %i)',
    async (seed) => {
      const methods = ['patchStream', 'sendMessages', 'finish', 'claimNext'];
      place.source.fault = faults(seed, 0.25, methods);
      const script = 'for i in 1 2 3 4 5 6; do seq $i 1000; echo "e$i" >&2; sleep 0.03; done';
      const task = place.source.add(script);
      await place.once();
      const attempt = place.source.attemptOf(task);
      const expected = [1, 2, 3, 4, 5, 6]
        .map((from) => Array.from({ length: 1001 - from }, (_, index) => `${from + index}\n`).join(''))
        .join('');
      expect(Buffer.concat(attempt.streams.stdout).toString()).toBe(expected);
      expect(Buffer.concat(attempt.streams.stderr).toString()).toBe('e1\ne2\ne3\ne4\ne5\ne6\n');
      expect(attempt.report?.exitCode).toBe(0);
      expect(place.source.attempts).toHaveLength(1);
    },
  );

  test('brings large output whole', async () => {
    const task = place.source.add('head -c 30000000 /dev/zero | tr "\\0" x');
    await place.once();
    const bytes = Buffer.concat(place.source.attemptOf(task).streams.stdout);
    expect(bytes.length).toBe(30_000_000);
    expect(hashOf(bytes)).toBe(hashOf(Buffer.alloc(30_000_000, 'x')));
  });

  test('brings large output whole when the server loses some of it in between', async () => {
    const task = place.source.add('seq 1 4000000');
    let calls = 0;
    place.source.fault = (method) => {
      if (method !== 'patchStream') return null;
      calls += 1;
      // as after a crash that took bytes which were acknowledged
      if (calls === 3 || calls === 9)
        place.source.attemptOf(task).streams.stdout.length = calls === 3 ? 0 : 1;
      return null;
    };
    await place.once();
    const whole = Buffer.concat(place.source.attemptOf(task).streams.stdout);
    const expected = Buffer.from(Array.from({ length: 4_000_000 }, (_, index) => `${index + 1}\n`).join(''));
    expect(whole.equals(expected)).toBe(true);
  });

  test('sends again what the server turns out to lack when the end is reported', async () => {
    let strikes = 1;
    const task = place.source.add('echo one; echo two');
    place.source.fault = (method) => {
      if (method === 'finish' && strikes-- > 0) place.source.attemptOf(task).streams.stdout.length = 0;
      return null;
    };
    await place.once();
    const attempt = place.source.attemptOf(task);
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('one\ntwo\n');
    expect(attempt.report?.exitCode).toBe(0);
  });

  test('keeps a timeout while the API is away', async () => {
    const task = place.source.add('sleep 60', { timeoutSeconds: 0.2 });
    let isAway = true;
    place.source.fault = (method) => (method !== 'claimNext' && isAway ? 'before' : null);
    const { exit } = place.start({ once: true });
    await place.source.until(() => place.source.attempts.length > 0);
    await expect.poll(() => place.source.calls.includes('finish')).toBe(true);
    isAway = false;
    await exit;
    expect(place.source.attemptOf(task).report).toMatchObject({ reason: 'timeout' });
  });

  test('tells the server what could not be kept', async () => {
    // the shim writes this when the disk is full or its writer is killed
    const loss = 'printf "stdout 2 full\\nstderr 0 killed\\nstdout 2 full\\n" >> "$KERUTA_RUN_DIR/loss"';
    const task = place.source.add(`echo x; ${loss}`);
    await place.once();
    const attempt = place.source.attemptOf(task);
    expect(attempt.lost).toEqual({ stdout: 2 * 131072, stderr: 131072 });
    expect(attempt.report?.streams).toMatchObject({
      stdout: { size: 2, lostBytes: 2 * 131072 },
      stderr: { size: 0, lostBytes: 131072 },
    });
    const said = JSON.stringify(attempt.messages);
    expect(said).toContain('Up to 131072 bytes of stdout are missing behind byte 2: the disk');
    expect(said).toContain('Up to 131072 bytes of stderr are missing behind byte 0: what writes it down');
  });

  test('that the server refuses for good keeps everything, and the next task runs', async () => {
    const refused = new InputError('KERUTA_ERR_BAD_VALUE', 'no such field');
    const task = place.source.add('echo precious');
    place.source.fault = (method) => (method === 'finish' ? refused : null);
    await place.once();
    const runs = join(place.root, 'base', 'runs');
    const [name = ''] = readdirSync(runs);
    expect(JSON.parse(readFileSync(join(runs, name, 'receipt.json'), 'utf8'))).toMatchObject({
      state: 'refused',
    });
    expect(readFileSync(join(runs, name, 'stdout'), 'utf8')).toBe('precious\n');
    place.source.fault = () => null;
    const next = place.source.add('echo next');
    await place.once();
    expect(place.source.attemptOf(next).report).toMatchObject({ exitCode: 0 });
    expect(place.source.attemptOf(task).report).toBeNull();
    expect(readFileSync(join(runs, name, 'stdout'), 'utf8')).toBe('precious\n');
  });

  test('tells the end ahead when bytes take long', async () => {
    const task = place.source.add('echo x; exit 2');
    place.source.fault = (method) =>
      method === 'patchStream' && place.source.attemptOf(task).exited === null ? 'before' : null;
    await place.once();
    const attempt = place.source.attemptOf(task);
    expect(attempt.exited).toMatchObject({ exitCode: 2 });
    expect(attempt.report).toMatchObject({ exitCode: 2 });
  });
});
