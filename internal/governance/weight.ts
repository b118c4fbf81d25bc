import { u32 } from '../../pkg/hash/u32.ts';
import type { DecisionMode } from '../domain/policy.ts';

/**
 * Whether a time goes to the agent's action or to the classic script. The same time always takes the same path, so that one
 * that is told twice, or looked at later, gives the same; over many times the weight is met. 0 = never, 1 = always.
 *
 * @param when  the instant of a time that fell due by the clock, else what its event is known by
 */
export function chooseMode(
  triggerId: string,
  when: string,
  weight: number,
): Extract<DecisionMode, 'agent' | 'classic'> {
  return u32(`${triggerId}\n${when}`) / 2 ** 32 < weight ? 'agent' : 'classic';
}
