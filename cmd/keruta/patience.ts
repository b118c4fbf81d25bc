/**
 * For how long commands wait for an API that says nothing. What a script counts on begins when it calls the command, so
 * what the process has taken until now, such as a slow start on a busy machine, is taken off. Pure.
 */

/** What a command has promised: to have spoken, kept, or failed within `limitMs` from its start. */
export interface Promised {
  readonly limitMs: number;
  /** of it for what comes after the wait: to keep what was to be sent, to say so, and to end */
  readonly endMs: number;
  /** an API is never given less than this to answer, however late it is */
  readonly leastMs: number;
}

/** Every command. */
export const usualPromise: Promised = { limitMs: 5_000, endMs: 700, leastMs: 1_500 };
/** What scripts say in loops: `log`, `progress`, `cost`. */
export const frequentPromise: Promised = { limitMs: 2_000, endMs: 400, leastMs: 500 };

/** How long to wait at most; ms. @param spentMs  since the start of the process */
export function patienceMs({ limitMs, endMs, leastMs }: Promised, spentMs: number): number {
  return Math.max(leastMs, Math.round(limitMs - endMs - spentMs));
}
