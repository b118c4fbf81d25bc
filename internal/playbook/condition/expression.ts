/**
 * The language of conditions: when a step runs, by values, by what files are there, and by how steps before it ended. It is parsed
 * and judged, never run as code, and every condition comes to an end.
 *
 * ```
 * condition = all { "or" all }
 * all       = one { "and" one }
 * one       = "not" one | compared
 * compared  = term [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) term ]
 * term      = text in single or double quotes | number | true | false | null
 *           | path | "exists" "(" ( path | text ) ")" | "status" "(" [ name | text ] ")" | "(" condition ")"
 * path      = name, then any of: .name  ["any name"]  [0]
 * ```
 *
 * `&&`, `||` and `!` are other words for `and`, `or` and `not`. A path that leads nowhere is null. The paths `steps` and `matrix`
 * lead to what steps gave out and to the values of this copy; every other path begins at a parameter, or at what is known of the task.
 */

/** What a path may lead to that can be compared. */
export type Scalar = string | number | boolean | null;

/** A path: the first name, and what leads further. */
export type Path = readonly [string, ...(string | number)[]];

/** Signs that compare. */
export const comparisons = ['==', '!=', '<=', '>=', '<', '>'] as const;
/** @see comparisons */
export type Comparison = (typeof comparisons)[number];

/** A condition that was read, or a part of one. */
export type Expression =
  | { readonly kind: 'value'; readonly value: Scalar }
  | { readonly kind: 'path'; readonly path: Path }
  /** whether a path leads to something but null */
  | { readonly kind: 'set'; readonly path: Path }
  /** whether there is a file or directory of this name */
  | { readonly kind: 'file'; readonly name: string }
  /** how a step ended; null: how all went so far */
  | { readonly kind: 'status'; readonly step: string | null }
  | { readonly kind: 'not'; readonly inner: Expression }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | {
      readonly kind: 'compare';
      readonly sign: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    };

/** How a step ended, as `status()` has it. */
export const stepStatuses = ['success', 'failure', 'skipped', 'cancelled'] as const;
/** @see stepStatuses */
export type StepStatus = (typeof stepStatuses)[number];

/** Longest condition; characters. */
export const maxConditionLength = 2_000;

/** Every part of an expression, itself first. */
export function* partsOf(expression: Expression): Generator<Expression> {
  yield expression;
  if (expression.kind === 'not') yield* partsOf(expression.inner);
  if (expression.kind === 'and' || expression.kind === 'or')
    for (const part of expression.parts) yield* partsOf(part);
  if (expression.kind === 'compare') {
    yield* partsOf(expression.left);
    yield* partsOf(expression.right);
  }
}
