/** What the clock on the wall of a zone shows. */
export interface WallTime {
  /** `2026-03-08` */
  readonly date: string;
  /** 0 to 23 */
  readonly hour: number;
  /** 0 to 59 */
  readonly minute: number;
  /** from UTC, as `-04:00`: tells the two hours apart that have the same name when clocks are set back */
  readonly offset: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Reads the clock of a zone. @param zone  IANA name @param at  epoch ms @throws {RangeError} when there is no such zone */
export function wallTime(zone: string, at: number): WallTime {
  const parts = formatOf(zone).formatToParts(at);
  const of = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const [, offset = '+00:00'] = /^GMT([+-]\d\d:\d\d)?/.exec(of.timeZoneName ?? '') ?? [];
  return {
    date: `${of.year}-${of.month}-${of.day}`,
    hour: Number(of.hour),
    minute: Number(of.minute),
    offset,
  };
}

/** Making one is slow, asking it is not. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'longOffset',
  });
  formats.set(zone, format);
  return format;
}
