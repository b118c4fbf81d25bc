/**
 * Finds the name that a mistyped one was probably meant to be.
 *
 * @returns the nearest candidate, when it is no further than a third of its length (at least 2 edits); else null
 */
export function nearest(typed: string, candidates: readonly string[]): string | null {
  let best: { name: string; rank: number } | null = null;
  for (const name of candidates) {
    const distance = editDistance(typed.toLowerCase(), name.toLowerCase());
    const allowed = Math.max(Math.min(2, name.length - 1), Math.floor(name.length / 3));
    // People mistype the first letter least.
    const rank = distance - (name[0] === typed[0] ? 0.5 : 0);
    if (distance <= allowed && (best === null || rank < best.rank)) best = { name, rank };
  }
  return best?.name ?? null;
}

/**
 * How many insertions, deletions, changes and swaps of neighbours lead from one text to the other.
 * @see Damerau 1964; the "optimal string alignment" form
 */
export function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 20) return Math.max(a.length, b.length);
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const change = (above[column - 1] ?? 0) + (same ? 0 : 1);
      let least = Math.min(change, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, (before[column - 2] ?? 0) + 1);
      current.push(least);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
