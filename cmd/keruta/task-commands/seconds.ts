import { InputError } from '../../../internal/domain/errors.ts';

const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Reads a duration in the small entry, which does not load the settings table.
 * @param name what it is called on the command line
 * @param text `90`, `90s`, `1.5m`, `250ms`; a bare number is seconds
 * @returns seconds, > 0
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function parseSeconds(name: string, text: string): number {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (units[unit] ?? Number.NaN);
  if (number !== '' && seconds > 0) return seconds;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `${name}: expected a duration such as 90, 90s, 10m or 1h, got "${text}"`,
  );
}
