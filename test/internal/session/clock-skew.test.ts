import { expect, test } from 'vitest';
import { ClockSkew } from '../../../internal/session/clock-skew.ts';
import { silentLog } from '../../../pkg/log/log.ts';

function watch() {
  const said: string[] = [];
  const say = (level: string) => (message: string, fields?: object) =>
    void said.push(`${level}: ${message} ${JSON.stringify(fields)}`);
  const skew = new ClockSkew({ ...silentLog, warn: say('warn'), info: say('info') });
  const note = (aheadMs: number, tookMs = 0) =>
    skew.note({ before: 1_000_000 + aheadMs, store: 1_000_000, after: 1_000_000 + aheadMs + tookMs });
  return { skew, note, said };
}

test('a clock that is more than 2 s off is said once, and again when it is right', () => {
  const { skew, note, said } = watch();
  for (const aheadMs of [0, 2_000, 2_001, 5_000, -1_000]) note(aheadMs);
  expect(said).toEqual([
    'warn: the clocks of this server and of the database differ {"skewMs":2001}',
    'info: the clocks of this server and of the database agree again {"skewMs":-1000}',
  ]);
  expect(skew.skewMs).toBe(-1000);
});

test('a slow answer is no wrong clock', () => {
  const { note, said, skew } = watch();
  note(-90_000, 120_000);
  expect([skew.skewMs, said]).toEqual([0, []]);
});

test.each([
  [60_000, null],
  [300_000, "this server's is 300 s ahead of the database's"],
  [-300_000, "this server's is 300 s behind the database's"],
])('a clock that is %i ms off: %s', (aheadMs, doubt) => {
  const { note, skew } = watch();
  note(aheadMs);
  if (doubt === null) expect(skew.doubt()).toBeNull();
  else expect(skew.doubt()).toContain(doubt);
});
