/** Money: whole micro-dollars inside, so that sums are exact; decimal text outside. */

/** The only currency that is known; another one is refused, since nothing here knows a rate. */
export const currency = 'USD';
/** Most that is taken: a billion dollars, so that sums stay safe integers; micro-dollars. */
export const maxMicro = 1e15;

/**
 * Reads an amount such as `1.50`; what is finer than a micro-dollar is rounded.
 * @returns micro-dollars; null when the text is no amount, negative, or over `maxMicro`
 */
export function parseMoney(text: string): number | null {
  if (!/^\d{1,10}(\.\d{1,18})?$/.test(text.trim())) return null;
  const [whole = '0', part = ''] = text.trim().split('.');
  const micro = Number(whole) * 1e6 + Math.round(Number(`0.${part || '0'}`) * 1e6);
  return micro <= maxMicro ? micro : null;
}

/** Writes an amount so that `parseMoney` reads it as the same: `1.50`, `0.000123`. @param micro  whole micro-dollars */
export function formatMoney(micro: number): string {
  const part = String(Math.abs(micro) % 1e6)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${micro < 0 ? '-' : ''}${Math.floor(Math.abs(micro) / 1e6)}.${part}`;
}
