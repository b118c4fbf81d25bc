/**
 * The short way to the next instant of a plain expression while the clock of its zone is not changed: the wall clock is
 * then UTC with an offset, and no rule about changes matters. Everything else is croner's, which says the same here, slower.
 */
import { cronFields } from './fields.ts';
import { blockMs, steadyOffset } from './steady-offset.ts';

const dayMs = 86_400_000;
/** Farther than this is not looked: rare dates are left to croner; days. */
const maxDays = 400;

/** The values of the fields; minutes and hours in ascending order. */
export interface PlainFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** @param wallDay  days since 1970 on the wall clock */
  readonly isDue: (wallDay: number) => boolean;
}

/** Reads what `readCron` has expanded; null when it has more than numbers, ranges, lists and steps. */
export function readPlain(expanded: string): PlainFields | null {
  const words = expanded.split(' ');
  if (words.length !== cronFields.length || !words.every((word) => /^[\d*,/-]+$/.test(word))) return null;
  const [minutes, hours, days, months, weekdays] = cronFields.map(({ min, max }, index) =>
    valuesOf(words[index] ?? '', min, max),
  );
  if (!minutes || !hours || !days || !months || !weekdays) return null;
  const [anyDay, anyWeekday] = [words[2] === '*', words[4] === '*'];
  const [ofDay, ofMonth, ofWeekday] = [
    new Set(days),
    new Set(months),
    new Set(weekdays.map((value) => value % 7)),
  ];
  const isDue = (wallDay: number) => {
    const at = new Date(wallDay * dayMs);
    if (!ofMonth.has(at.getUTCMonth() + 1)) return false;
    const [byDay, byWeekday] = [ofDay.has(at.getUTCDate()), ofWeekday.has(at.getUTCDay())];
    // both restricted: either of them
    return anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday;
  };
  return { minutes, hours, isDue };
}

/** The first instant after another; undefined when this way does not lead to it. Epoch ms. */
export function plainNext(fields: PlainFields, zone: string, afterMs: number): number | undefined {
  let block = Math.floor(afterMs / blockMs);
  const offset = steadyOffset(zone, block);
  if (offset === null) return undefined;
  const wall = Math.floor((afterMs + offset) / 60_000) * 60_000 + 60_000;
  const firstDay = Math.floor(wall / dayMs);
  for (let day = firstDay; day < firstDay + maxDays; day++) {
    if (!fields.isDue(day)) continue;
    const minute = minuteOf(fields, day === firstDay ? (wall - day * dayMs) / 60_000 : 0);
    if (minute === null) continue;
    const found = day * dayMs + minute * 60_000 - offset;
    // the same offset all the way
    while (block < Math.floor(found / blockMs)) if (steadyOffset(zone, ++block) !== offset) return undefined;
    return found;
  }
  return undefined;
}

/** The first minute of a day, at or after one, that the fields name. */
function minuteOf({ minutes, hours }: PlainFields, from: number): number | null {
  const startHour = Math.floor(from / 60);
  for (const hour of hours) {
    if (hour < startHour) continue;
    const minute = hour > startHour ? minutes[0] : minutes.find((one) => one >= from % 60);
    if (minute !== undefined) return hour * 60 + minute;
  }
  return null;
}

/** In ascending order. */
function valuesOf(word: string, min: number, max: number): number[] {
  const values = new Set<number>();
  for (const part of word.split(',')) {
    const [body = '', step = '1'] = part.split('/');
    const [from = min, to = from] = body === '*' ? [min, max] : body.split('-').map(Number);
    for (let value = from; value <= to; value += Number(step)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}
