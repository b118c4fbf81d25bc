import { InputError } from '../../domain/errors.ts';

/** Names of the IANA database that are neither Area/Place nor UTC: fixed offsets and abbreviations in disguise. */
const isPlace = /^[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2}$/;

/**
 * Checks a time zone: an IANA name such as `Europe/Berlin`, or `UTC`. Offsets (`+09:00`, `Etc/GMT-9`) and abbreviations (`EST`)
 * are refused: they know no daylight saving time, which whoever writes them seldom means.
 * @returns the name, spelled as the database does
 * @throws {InputError} KERUTA_ERR_TIME_ZONE
 */
export function readZone(text: string): string {
  const kept = known.get(text);
  if (kept !== undefined) return kept;
  const zone = lookUp(text);
  if (known.size >= maxKnown) known.clear();
  known.set(text, zone);
  return zone;
}

/** Spellings that were looked up: a rule is made whenever a trigger is decided, and the list of all zones is long. */
const known = new Map<string, string>();
const maxKnown = 2_000;

function lookUp(text: string): string {
  const name = text.trim();
  if (name.toUpperCase() === 'UTC') return 'UTC';
  const found = isPlace.test(name) && !name.toLowerCase().startsWith('etc/') ? spelled(name) : null;
  if (found !== null) return found;
  throw new InputError(
    'KERUTA_ERR_TIME_ZONE',
    `time zone: expected a name such as Europe/Berlin, or UTC; got "${name.slice(0, 60)}"`,
  );
}

function spelled(name: string): string | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    return null;
  }
  // the formatter resolves links (Asia/Calcutta) and we keep what was written, but for its case
  const listed = Intl.supportedValuesOf('timeZone').find((one) => one.toLowerCase() === name.toLowerCase());
  return listed ?? name;
}
