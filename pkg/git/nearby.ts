/**
 * Picks the names that somebody may have meant.
 * @param names full ref names; shown without `refs/heads/` and `refs/tags/`
 * @returns at most `limit`, best first
 */
export function nearbyNames(wanted: string, names: readonly string[], limit = 5): readonly string[] {
  const short = (name: string) => name.replace(/^refs\/(heads|tags)\//, '');
  const goal = short(wanted).toLowerCase();
  return names
    .map((name) => ({ name: short(name), distance: distanceOf(goal, short(name).toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, limit)
    .map((entry) => entry.name);
}

/** Edits between two names; one that holds the other counts as near. */
function distanceOf(a: string, b: string): number {
  if (a.length > 0 && b.length > 0 && (a.includes(b) || b.includes(a))) return 0.5;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
