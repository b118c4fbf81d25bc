/** Durations as people write them. Inside they are ms; `0` is allowed, negative ones are not. */

const msOf: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Unit of a number that has none. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd';

/** Longest duration that is read: 10,000 days, so that no sum of two leaves the safe integers. */
export const maxDurationMs = 10_000 * 86_400_000;

/**
 * Reads a duration: parts with units (`30s`, `1h30m`, `1.5s`, `250ms`), largest first or not, or a bare number.
 *
 * @param bareUnit  what a number without unit means; default seconds
 * @returns ms, rounded to whole ones; null when the text is no duration
 * @see Go's time.ParseDuration, whose form older clients of keruta use
 */
export function parseDuration(text: string, bareUnit: DurationUnit = 's'): number | null {
  const trimmed = text.trim().toLowerCase();
  const bare = /^\d+(\.\d+)?$/.exec(trimmed);
  if (bare) return inRange(Number(trimmed) * (msOf[bareUnit] ?? 1000));
  if (!/^(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$/.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)) {
    total += Number(amount) * (msOf[unit ?? ''] ?? 0);
  }
  return inRange(total);
}

function inRange(ms: number): number | null {
  return Number.isFinite(ms) && ms <= maxDurationMs ? Math.round(ms) : null;
}

/** Writes a duration so that `parseDuration` reads it as the same number: `1h30m`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  let left = Math.round(ms);
  if (left === 0) return '0s';
  const parts: string[] = [];
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = msOf[unit] ?? 1;
    const amount = Math.floor(left / size);
    if (amount > 0) parts.push(`${amount}${unit}`);
    left -= amount * size;
  }
  return parts.join('');
}
