/**
 * Reads a time in any form that a server of the keruta API ever gave: ISO with or without zone (none = UTC), with 0-9
 * digits of fraction, without seconds; arrays of 5-7 numbers (month from 1, nanoseconds last); epoch seconds (below
 * 1e11) or milliseconds, as number or as digits.
 *
 * @returns RFC 3339, UTC, with milliseconds; null when it is no time
 */
export function readInstant(value: unknown): string | null {
  const ms = epochMs(value);
  return ms === null || !(ms >= firstMs && ms <= lastMs) ? null : new Date(ms).toISOString();
}

/** What RFC 3339 can write: the years 0000 to 9999; epoch ms. */
const [firstMs, lastMs] = [Date.parse('0000-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

function epochMs(value: unknown): number | null {
  if (typeof value === 'number') return fromNumber(value);
  if (Array.isArray(value)) return fromArray(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return /^\d+(\.\d+)?$/.test(text) ? fromNumber(Number(text)) : fromIso(text);
}

const fromNumber = (value: number) => Math.floor(Math.abs(value) < 1e11 ? value * 1000 : value);

function fromArray(parts: readonly unknown[]): number | null {
  if (parts.length < 5 || parts.length > 7 || !parts.every((part) => Number.isInteger(part))) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, nanos = 0] = parts as number[];
  return Date.UTC(year, month - 1, day, hour, minute, second, Math.floor(nanos / 1e6));
}

const iso = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,9}))?\s*([Zz]|[+-]\d{2}:?\d{2})?$/;

function fromIso(text: string): number | null {
  const match = iso.exec(text);
  if (!match) return null;
  const [, day, minutes, seconds = ':00', fraction = '', zone = 'Z'] = match;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  return Date.parse(`${day}T${minutes}${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
}
