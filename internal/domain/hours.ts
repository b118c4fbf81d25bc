/** Hours of the week as people write them: `mon-fri 09:00-17:00`, `sat 22:00-02:00`, `10:00-14:00` (every day). */

/** Names of the days, in the order of their numbers: 0 = Sunday. */
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** A span of hours on some days of the week. */
export interface HoursWindow {
  /** on which it begins; 0 = Sunday */
  readonly days: readonly number[];
  /** minutes since midnight */
  readonly from: number;
  /** not included; minutes since midnight; over 1440 when it ends on the day after */
  readonly to: number;
}

/** Reads a window; null when the text is none. One whose end is not after its begin ends on the day after. */
export function parseHours(text: string): HoursWindow | null {
  const match = /^(?:([a-z]{3}(?:[-,][a-z]{3})*)\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(
    text.trim().toLowerCase(),
  );
  if (match === null) return null;
  const [, named, ...clock] = match;
  const days = named === undefined ? [0, 1, 2, 3, 4, 5, 6] : daysOf(named);
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = clock.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const isTime = fromMinute < 60 && toMinute < 60 && from < 1440 && to <= 1440;
  if (days === null || !isTime || from === to) return null;
  return { days, from, to: to > from ? to : to + 1440 };
}

function daysOf(text: string): readonly number[] | null {
  const days: number[] = [];
  for (const part of text.split(',')) {
    const [first = -1, last = first, more] = part.split('-').map((name) => dayNames.indexOf(name));
    if (first < 0 || last < 0 || more !== undefined) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      days.push(day);
      if (day === last) break;
    }
  }
  return days;
}
