import { type AnyFunction, unitOf } from './registry.ts';

/**
 * Marks a function as a tool: something that agents call. It is never run by itself and never deployed on its own.
 * @returns the function itself
 */
export function tool<F extends AnyFunction>(fn: F): F {
  unitOf(fn).isTool = true;
  return fn;
}
