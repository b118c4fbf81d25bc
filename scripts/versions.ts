/** Versions of packages: three numbers, perhaps with a name of a pre-release behind them. */

/** Whether a text names one version and no range. */
export function isExact(text: string): boolean {
  return /^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(text);
}

/** Negative when the first is older. A pre-release is older than its release; two of them are equal. */
export function compareVersions(first: string, second: string): number {
  const [a, b] = [numbersOf(first), numbersOf(second)];
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether a version has a fix that several lines got.
 * @param since  the first version with it of each line (major number), ascending
 */
export function hasFix(version: string, since: readonly string[]): boolean {
  const major = (text: string) => numbersOf(text)[0] ?? 0;
  const ofLine = since.find((one) => major(one) === major(version));
  if (ofLine !== undefined) return compareVersions(version, ofLine) >= 0;
  return since.length > 0 && since.every((one) => major(one) < major(version));
}

function numbersOf(version: string): readonly number[] {
  const [numbers = '', preRelease] = version.split(/-(.*)/s);
  return [...numbers.split('.').map(Number), preRelease === undefined ? 0 : -1];
}
