/** Picks at random, the same in every run: one of a list, or a number below another. */
export function makeRandomOf(seed: number): { (count: number): number; <T>(list: readonly T[]): T } {
  let state = seed >>> 0;
  const below = (count: number) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
  return ((of: number | readonly unknown[]) =>
    typeof of === 'number' ? below(of) : of[below(of.length)]) as ReturnType<typeof makeRandomOf>;
}
