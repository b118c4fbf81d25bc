import { wallTime } from '../../../pkg/clock/wall-time.ts';

/** Shows instants as the clock on the wall of a zone does. */
export interface WallClock {
  /** @returns `2026-03-08 03:00 -04:00`, and the offset in minutes */
  read(at: number): { readonly local: string; readonly offset: number };
}

/** The wall clock of a zone. @param zone  IANA name */
export function wallClock(zone: string): WallClock {
  return {
    read: (at) => {
      const { date, hour, minute, offset } = wallTime(zone, at);
      const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
      const time = [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
      return {
        local: `${date} ${time} ${offset}`,
        offset: (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes),
      };
    },
  };
}
