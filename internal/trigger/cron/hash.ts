/** Spreads triggers over time by their ids: stable for each, even over many. */
import { u32 } from '../../../pkg/hash/u32.ts';

/** One of `count` places, 0 to count − 1, chosen by a text. */
export function placeOf(text: string, count: number): number {
  return Math.floor((u32(text) * count) / 2 ** 32);
}

/**
 * How long after its nominal time a trigger fires; ms, whole seconds.
 * @param windowMs  of the trigger's `spread`
 * @param untilNextMs  to the next nominal time: a spread never reaches it
 */
export function spreadMs(triggerId: string, windowMs: number, untilNextMs: number): number {
  const seconds = Math.floor(Math.min(windowMs, untilNextMs) / 1000);
  return placeOf(triggerId, seconds) * 1000;
}
