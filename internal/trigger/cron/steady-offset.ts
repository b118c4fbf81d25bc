/** Stretches of time in which the clock of a zone is not changed. */

const hourMs = 3_600_000;
/** Length of a block; ms. */
export const blockMs = 5 * 24 * hourMs;
/** What a change may still do to the times after it: a whole day that is skipped or repeated, and some; ms. */
const afterwardsMs = 27 * hourMs;
/** No clock was ever changed to and fro within so short a time; ms. */
const stepMs = 3 * hourMs;
/** So many blocks are kept, of all zones together. */
const maxKept = 20_000;

/** Offsets by zone and block; null: the clock is changed in it, or not long before it. */
const kept = new Map<string, number | null>();
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * How far the wall clock is ahead of UTC during the whole block of `blockMs` in which an instant lies, and for a day before it;
 * ms. Null when it is changed in that time, or is not ahead by full minutes.
 * @param zone  IANA name
 * @param block  number of the block: epoch ms divided by `blockMs`, rounded down
 */
export function steadyOffset(zone: string, block: number): number | null {
  if (zone === 'UTC') return 0;
  const name = `${block} ${zone}`;
  const known = kept.get(name);
  if (known !== undefined) return known;
  if (kept.size >= maxKept) kept.clear();
  const found = look(zone, block * blockMs);
  kept.set(name, found);
  return found;
}

function look(zone: string, from: number): number | null {
  const offset = offsetAt(zone, from - afterwardsMs);
  if (offset % 60_000 !== 0) return null;
  for (let at = from - afterwardsMs + stepMs; at < from + blockMs; at += stepMs)
    if (offsetAt(zone, at) !== offset) return null;
  return offsetAt(zone, from + blockMs) === offset ? offset : null;
}

/** @param at  of full seconds */
function offsetAt(zone: string, at: number): number {
  const format = formats.get(zone) ?? formatOf(zone);
  formats.set(zone, format);
  // 03/08/2026, 03:00:00
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (
    format.format(at).match(/\d+/g) ?? []
  ).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - at;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const [date, time] = [
    { year: 'numeric', month: 'numeric', day: 'numeric' } as const,
    { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const,
  ];
  return new Intl.DateTimeFormat('en-US', { timeZone, ...date, ...time });
}
