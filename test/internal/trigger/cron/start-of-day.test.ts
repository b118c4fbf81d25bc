import { expect, test } from 'vitest';
import { startOfDay } from '../../../../internal/trigger/cron/start-of-day.ts';

test.each([
  ['UTC', '2026-03-07T12:34:56.789Z', '2026-03-07T00:00:00.000Z'],
  ['UTC', '2026-03-07T00:00:00.000Z', '2026-03-07T00:00:00.000Z'],
  ['UTC', '2026-03-06T23:59:59.999Z', '2026-03-06T00:00:00.000Z'],
  ['Asia/Tokyo', '2026-03-07T14:59:00Z', '2026-03-06T15:00:00.000Z'],
  ['Asia/Kolkata', '2026-03-07T18:30:00Z', '2026-03-07T18:30:00.000Z'],
  // 23 hours, 25 hours
  ['America/New_York', '2026-03-08T23:00:00Z', '2026-03-08T05:00:00.000Z'],
  ['America/New_York', '2026-11-02T04:59:00Z', '2026-11-01T04:00:00.000Z'],
  // midnight does not exist
  ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00.000Z'],
])('in %s the day of %s began at %s', (zone, at, began) => {
  expect(new Date(startOfDay(zone, Date.parse(at))).toISOString()).toBe(began);
});
