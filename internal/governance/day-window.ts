/** The day and the hour of a zone in which an instant lies: what daily and hourly limits count in. */

/** What the clock on the wall of a zone shows. */
export interface WallTime {
  /** `2026-03-08` */
  readonly date: string;
  /** 0 = Sunday */
  readonly weekday: number;
  /** since midnight, as the clock shows them */
  readonly minutes: number;
  /** `GMT-04:00`: tells the two hours apart that have the same name when clocks are set back */
  readonly offset: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Reads the clock of a zone. @param zone  IANA name  @param at  epoch ms */
export function wallTime(zone: string, at: number): WallTime {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const date = `${parts.year}-${parts.month}-${parts.day}`;
  return {
    date,
    weekday: weekdayOf(date),
    minutes: Number(parts.hour) * 60 + Number(parts.minute),
    offset: parts.timeZoneName ?? 'GMT',
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

/** The day of the week of a date. @returns 0 = Sunday */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

/** The date before, as calendars have it. */
export function dateBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}

/**
 * The name of the day or hour in which an instant lies. A day is one of the calendar, with 23, 24 or 25 hours; an hour that
 * comes twice has two names.
 */
export function windowName(unit: 'day' | 'hour', zone: string, at: number): string {
  const { date, minutes, offset } = wallTime(zone, at);
  if (unit === 'day') return `${zone} ${date}`;
  return `${zone} ${date}T${String(Math.floor(minutes / 60)).padStart(2, '0')} ${offset}`;
}
