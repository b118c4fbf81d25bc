const bars = '▁▂▃▄▅▆▇█';

/**
 * A row of bars that shows how a value went, from 0 to its highest.
 * @param width  most bars; of values that share one, the highest counts
 * @returns `''` for no values
 */
export function sparkline(values: readonly number[], width: number): string {
  const perBar = Math.max(1, Math.ceil(values.length / Math.max(1, width)));
  const top = Math.max(0, ...values);
  let line = '';
  for (let at = 0; at < values.length; at += perBar) {
    const value = Math.max(0, ...values.slice(at, at + perBar));
    const level = top === 0 ? 0 : Math.round((value / top) * (bars.length - 1));
    line += bars[level] ?? '';
  }
  return line;
}
