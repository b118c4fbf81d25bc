/** The day and the hour of a zone in which an instant lies: what daily and hourly limits count in. */
import { wallTime } from '../../pkg/clock/wall-time.ts';

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
  const { date, hour, offset } = wallTime(zone, at);
  return unit === 'day' ? `${zone} ${date}` : `${zone} ${date}T${String(hour).padStart(2, '0')} ${offset}`;
}
