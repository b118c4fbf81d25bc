/** Places in bytes: sorted, disjoint pieces of [from, to). Pure. */

/** From a place up to, and without, another one. */
export type Range = readonly [from: number, to: number];

/** Adds a piece whose end is not before the end of any other; pieces that meet become one. */
export function addRange(ranges: Range[], from: number, to: number): void {
  let first = from;
  for (let last = ranges.at(-1); last !== undefined && last[1] >= first; last = ranges.at(-1)) {
    first = Math.min(first, last[0]);
    ranges.pop();
  }
  ranges.push([first, to]);
}

/** Brings pieces in any order into order; pieces that meet become one. */
export function unite(ranges: readonly Range[]): readonly Range[] {
  const united: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = united.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else united.push([from, to]);
  }
  return united;
}

/** The end of the piece that holds a place or begins there; the place itself when none does. */
export function reachOf(ranges: readonly Range[], place: number): number {
  return ranges.find(([from, to]) => from <= place && to > place)?.[1] ?? place;
}
