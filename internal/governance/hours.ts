import { wallTime } from '../../pkg/clock/wall-time.ts';
import { type HoursWindow, parseHours } from '../domain/hours.ts';
import type { AllowedHours, Check, ScopedPolicy } from '../domain/policy.ts';
import { dateBefore, weekdayOf } from './day-window.ts';

/** Whether now is among the hours that each policy allows. */
export function checkHours(policies: readonly ScopedPolicy[], now: number): Check[] {
  return policies.flatMap(({ scope, zone, policy: { allowedHours: hours } }) => {
    if (hours === null) return [];
    const own = hours.timezone ?? zone;
    const { date, hour, minute } = wallTime(own, now);
    const passed = isAllowed(hours, own, now);
    const clock = [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
    const limit = windowsOf(hours, date).text;
    const check = { name: 'hours', passed, limit, value: `${date} ${clock} ${own}`, scope };
    return [passed ? check : { ...check, reason: 'outside_hours' }];
  });
}

/** Whether an instant lies in a window of its date, or in one of the date before that lasts over midnight. */
export function isAllowed(hours: AllowedHours, zone: string, at: number): boolean {
  const { date, hour, minute: past } = wallTime(zone, at);
  const minutes = hour * 60 + past;
  const covers = (day: string, minute: number) =>
    windowsOf(hours, day).windows.some(
      ({ days, from, to }) => days.includes(weekdayOf(day)) && from <= minute && minute < to,
    );
  return covers(date, minutes) || covers(dateBefore(date), minutes + 1440);
}

/** What a date has: its exception, or the week. A text that is no window allows nothing. */
function windowsOf(hours: AllowedHours, date: string): { windows: readonly HoursWindow[]; text: string } {
  const texts = Object.hasOwn(hours.except, date) ? (hours.except[date] ?? []) : hours.windows;
  const windows = texts.map(parseHours).filter((one) => one !== null);
  return { windows, text: texts.join('; ') || 'closed' };
}
