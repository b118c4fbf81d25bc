import { expect, test } from 'vitest';
import type { CommandContext } from '../../../cmd/keruta/command.ts';
import { type Check, ok } from '../../../cmd/keruta/itself/doctor/check.ts';
import { runChecks } from '../../../cmd/keruta/itself/doctor-run.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';

const stop = new AbortController();
const context = (env: Record<string, string> = {}, signal = stop.signal) =>
  ({
    clock: systemClock,
    signal,
    home: '/',
    env,
    settings: async () => {
      throw new Error('none');
    },
  }) as unknown as CommandContext;
const check = (name: string, look: Check['look']): Check => ({ name, look });
const options = { configFile: null, limitMs: 50 };

test('a check that does not end fails in its time, and holds up no other', async () => {
  const checks = [
    check('hangs', () => new Promise(() => {})),
    check('fine', async () => ok('as it should be')),
  ];
  const { findings, isStuck } = await runChecks(context(), checks, options);
  expect(isStuck).toBe(true);
  expect(findings).toMatchObject([
    { name: 'hangs', state: 'fail', found: expect.stringContaining('no answer within') },
    { name: 'fine', state: 'ok', advice: null },
  ]);
});

test('a check is told when its time is over', async () => {
  let told: AbortSignal | null = null;
  const checks = [
    check('hangs', ({ signal }) => {
      told = signal;
      return new Promise(() => {});
    }),
  ];
  await runChecks(context(), checks, options);
  expect((told as AbortSignal | null)?.aborted).toBe(true);
});

test('a check that throws fails with what it threw, in one line', async () => {
  const checks = [
    check('throws', async () => {
      throw new Error('first\n  second');
    }),
  ];
  const { findings, isStuck } = await runChecks(context(), checks, options);
  expect(findings).toMatchObject([{ state: 'fail', found: 'first; second' }]);
  expect(isStuck).toBe(false);
});

test('tokens and passwords of addresses are in no finding, whoever quotes them', async () => {
  const checks = [
    check('quotes', async () => ({
      state: 'warn' as const,
      found: 'krt_ses_abcdef at https://me:pass@host/x',
      advice: 'try krt_ses_abcdef',
    })),
  ];
  const { findings } = await runChecks(context({ KERUTA_API_TOKEN: 'krt_ses_abcdef' }), checks, options);
  expect(findings).toMatchObject([{ found: '******** at https://…@host/x', advice: 'try ********' }]);
});

test('a person who stops it is not kept waiting', async () => {
  const stopped = new AbortController();
  const checks = [check('hangs', () => new Promise(() => {}))];
  const running = runChecks(context({}, stopped.signal), checks, { configFile: null, limitMs: 600_000 });
  stopped.abort(new DOMException('stopped', 'AbortError'));
  await expect(running).rejects.toThrow('stopped');
});
