import { type Check, type CheckParts, ok, warn } from './check.ts';

/** What scripts inherit that changes what they print: time zone and character set. */
export const localeCheck: Check = { name: 'locale', look };

async function look({ context: { env } }: CheckParts) {
  const zone = env.TZ?.replace(/^:/, '');
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || 'C';
  const shown = `time zone ${zone || Intl.DateTimeFormat().resolvedOptions().timeZone}, locale ${locale}`;
  if (zone && !isKnownZone(zone)) {
    return warn(
      `TZ=${zone} is no time zone known here: scripts use UTC`,
      'set TZ to a name such as Europe/Berlin, or unset it',
    );
  }
  if (/utf-?8/i.test(locale) || /^(C|POSIX)$/.test(locale)) return ok(shown);
  return warn(
    `${shown}: scripts may print other characters than UTF-8, which are shown as �`,
    'set LANG=C.UTF-8 where the agent starts',
  );
}

/** A name of the database, or a rule as POSIX has it (`CET-1CEST`); a path to a file is taken as it is. */
function isKnownZone(zone: string): boolean {
  if (zone.startsWith('/') || /^[A-Za-z]{3,}[+-]?\d/.test(zone) || zone.startsWith('<')) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
