import { wallClock } from './wall-clock.ts';

/** The day is looked for in steps: offsets of zones change by whole minutes. */
const minuteMs = 60_000;

/**
 * When the calendar day of an instant began in a zone, also on days of 23 and 25 hours, and where midnight is skipped.
 * @param zone  IANA name
 * @param at    epoch ms
 * @returns epoch ms
 */
export function startOfDay(zone: string, at: number): number {
  const clock = wallClock(zone);
  const day = (instant: number) => clock.read(instant).local.slice(0, 10);
  const today = day(at);
  // the first minute of today lies between one of yesterday and now
  let since = Math.floor(at / minuteMs) * minuteMs;
  let before = since - 26 * 3_600_000;
  while (since - before > minuteMs) {
    const middle = before + Math.floor((since - before) / 2 / minuteMs) * minuteMs;
    if (day(middle) === today) since = middle;
    else before = middle;
  }
  return since;
}
