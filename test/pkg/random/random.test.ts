import { expect, test } from 'vitest';
import { formatUuid7, systemRandom } from '../../../pkg/random/random.ts';

test('a UUIDv7 carries its time, version and variant', () => {
  expect(formatUuid7(0x0123456789ab, new Uint8Array(10).fill(0xff))).toBe(
    '01234567-89ab-7fff-bfff-ffffffffffff',
  );
});

test('later UUIDv7s sort behind earlier ones', () => {
  const ids = [1, 2, 300, 70_000, Date.UTC(2026, 0, 1)].map((now) => systemRandom.uuid7(now));
  expect([...ids].sort()).toEqual(ids);
});

test('UUIDv7s of one ms, and of a clock that steps back a little, sort in the order of the calls', () => {
  const now = Date.UTC(2026, 5, 1);
  const ids = Array.from({ length: 100_000 }, (_, index) => systemRandom.uuid7(now - (index % 3)));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a clock that goes back far is believed', () => {
  systemRandom.uuid7(Date.UTC(2026, 6, 1));
  const earlier = Date.UTC(2026, 5, 1);
  expect(systemRandom.uuid7(earlier).slice(0, 8)).toBe(formatUuid7(earlier, new Uint8Array(10)).slice(0, 8));
});

test('a UUIDv4, a secret and a fraction have their form', () => {
  expect(systemRandom.uuid4()).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(systemRandom.secret(32)).toMatch(/^[\w-]{43}$/);
  expect(systemRandom.secret(32)).not.toBe(systemRandom.secret(32));
  const fraction = systemRandom.fraction();
  expect(fraction >= 0 && fraction < 1).toBe(true);
});
