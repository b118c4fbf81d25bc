/** Judges conditions. Pure, but for the look at files that is passed in; never throws. */
import type { Comparison, Expression, Path, Scalar, StepStatus } from './expression.ts';

/** How a step ended, and what it gave out. */
export interface EndedStep {
  readonly status: StepStatus;
  readonly outputs: Readonly<Record<string, string>>;
}

/** What a condition is judged by. */
export interface Scope {
  /** parameters, and what is known of the task; by name */
  readonly values: Readonly<Record<string, unknown>>;
  /** of this copy of the step */
  readonly matrix: Readonly<Record<string, Scalar>>;
  /** by `stepKey`; what copies of one step come to, see `mergeSteps` */
  readonly steps: ReadonlyMap<string, EndedStep>;
  /** how all went so far */
  readonly status: StepStatus;
  /** whether a file or directory is there; a relative name is relative to where the playbook runs */
  readonly exists: (name: string) => boolean;
}

/** By which steps are found whatever signs their names have: `Run unit-tests` is `run_unit_tests`. */
export function stepKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '_')
    .replace(/^_|_$/g, '');
}

/** Whether a condition is met. */
export function judge(expression: Expression, scope: Scope): boolean {
  return isTrue(evaluate(expression, scope));
}

/** What an expression comes to; lists and maps come out as they are, what is not there as null. */
export function evaluate(expression: Expression, scope: Scope): unknown {
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'path':
      return valueAt(expression.path, scope);
    case 'set':
      return valueAt(expression.path, scope) !== null;
    case 'file':
      return scope.exists(expression.name);
    case 'status':
      return expression.step === null
        ? scope.status
        : (scope.steps.get(stepKey(expression.step))?.status ?? null);
    case 'not':
      return !judge(expression.inner, scope);
    case 'and':
      return expression.parts.every((part) => judge(part, scope));
    case 'or':
      return expression.parts.some((part) => judge(part, scope));
    case 'compare':
      return compare(expression.sign, evaluate(expression.left, scope), evaluate(expression.right, scope));
  }
}

/** Own fields only: nothing of a prototype is reached. */
function valueAt([root, ...rest]: Path, scope: Scope): unknown {
  if (root === 'steps') {
    const [step, ...names] = rest;
    return follow(scope.steps.get(stepKey(String(step ?? '')))?.outputs, names);
  }
  return root === 'matrix' ? follow(scope.matrix, rest) : follow(scope.values, [root, ...rest]);
}

function follow(from: unknown, names: readonly (string | number)[]): unknown {
  let value = from;
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return null;
    if (Array.isArray(value) !== (typeof name === 'number') || !Object.hasOwn(value, name)) return null;
    value = (value as Record<string | number, unknown>)[name];
  }
  return value ?? null;
}

/** Whether a value alone counts as met: texts as what they say, since values of a command line are all texts. */
function isTrue(value: unknown): boolean {
  return typeof value === 'string' ? !['', 'false', '0'].includes(value) : Boolean(value);
}

function compare(sign: Comparison, left: unknown, right: unknown): boolean {
  if (sign === '==') return areEqual(left, right);
  if (sign === '!=') return !areEqual(left, right);
  const order = orderOf(left, right);
  if (order === null) return false;
  if (order === 0) return sign === '<=' || sign === '>=';
  return order < 0 ? sign.startsWith('<') : sign.startsWith('>');
}

/** A text is compared with a number or true and false by what it says. Lists and maps are equal to nothing. */
function areEqual(left: unknown, right: unknown): boolean {
  if (typeof left === 'object' || typeof right === 'object') return left === null && right === null;
  if (typeof left === typeof right) return left === right;
  const [text, other] = typeof left === 'string' ? [left, right] : [right, left];
  if (typeof text !== 'string') return false;
  return typeof other === 'number' ? numberIn(text) === other : text === String(other);
}

/** Below, at or above 0; null: neither comes before the other. */
function orderOf(left: unknown, right: unknown): number | null {
  const [a, b] = [numberIn(left), numberIn(right)];
  if (a !== null && b !== null) return Math.sign(a - b);
  if (typeof left !== 'string' || typeof right !== 'string') return null;
  return left < right ? -1 : left === right ? 0 : 1;
}

function numberIn(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : null;
}
