/** Shows instants as the clock on the wall of a zone does. */
export interface WallClock {
  /** @returns `2026-03-08 03:00 -04:00`, and the offset in minutes */
  read(at: number): { readonly local: string; readonly offset: number };
}

/** The wall clock of a zone. @param zone  IANA name */
export function wallClock(zone: string): WallClock {
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
  return {
    read: (at) => {
      const of = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
      const [, sign = '+', hours = '00', minutes = '00'] =
        /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(of.timeZoneName ?? '') ?? [];
      const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
      return {
        local: `${of.year}-${of.month}-${of.day} ${of.hour}:${of.minute} ${sign}${hours}:${minutes}`,
        offset,
      };
    },
  };
}
