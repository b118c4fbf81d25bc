/** Sizes as people write them. Inside they are bytes. K, M, G and T are powers of 1024, as the keruta agent always had them. */

const bytesOf: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

/** Unit of a number that has none. */
export type SizeUnit = 'B' | 'KB' | 'MB' | 'GB' | 'TB';

/**
 * Reads a size: `100MB`, `1.5 GiB`, `64k`, or a bare number.
 *
 * @param bareUnit  what a number without unit means; default bytes
 * @returns bytes, rounded to whole ones; null when the text is no size or over 2^53
 */
export function parseSize(text: string, bareUnit: SizeUnit = 'B'): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text.trim());
  if (!match) return null;
  const [whole, amount, letter] = match;
  const hasUnit = /[a-z]/i.test(whole);
  const unit = hasUnit ? `${(letter ?? '').toUpperCase()}B` : bareUnit;
  const bytes = Math.round(Number(amount) * (bytesOf[unit] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Writes a size so that `parseSize` reads it as the same number: the largest unit that divides it, `100MB`, `1000B`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB']) {
    const size = bytesOf[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
