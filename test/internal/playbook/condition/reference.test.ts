/** Conditions that are made up are judged as a second, slow reading of the same rules judges them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, type Scope } from '../../../../internal/playbook/condition/evaluate.ts';
import { parseCondition } from '../../../../internal/playbook/condition/parse-condition.ts';
import { settings } from '../../../fuzz/parsers.ts';

type Value = string | number | boolean | null;
type Tree =
  | { readonly is: 'value'; readonly value: Value }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'exists'; readonly name: string }
  | { readonly is: 'status'; readonly step: string }
  | { readonly is: 'compare'; readonly sign: string; readonly left: Tree; readonly right: Tree }
  | { readonly is: 'not'; readonly inner: Tree }
  | { readonly is: 'and' | 'or'; readonly parts: readonly Tree[] };

const values: Readonly<Record<string, Value>> = {
  a: 'true',
  b: 'false',
  c: '10',
  d: 9,
  e: true,
  f: null,
  g: '',
  h: 'x y',
};
const statuses: Readonly<Record<string, 'success' | 'failure'>> = { build: 'success', test: 'failure' };
const scope: Scope = {
  values,
  matrix: {},
  steps: new Map(Object.entries(statuses).map(([name, status]) => [name, { status, outputs: {} }])),
  status: 'success',
  exists: () => false,
};

const value: fc.Arbitrary<Tree> = fc
  .oneof(
    fc.constantFrom<Value>(true, false, null, 'true', 'false', '', '0', '9', '10', '1e3', "it's", 'a\\b"c'),
    fc.integer({ min: -20, max: 20 }),
    fc.string({ maxLength: 5 }),
  )
  .map((one) => ({ is: 'value', value: one }));
const name = fc.constantFrom(...Object.keys(values), 'missing');
const atom: fc.Arbitrary<Tree> = fc.oneof(
  value,
  name.map((one): Tree => ({ is: 'name', name: one })),
  name.map((one): Tree => ({ is: 'exists', name: one })),
  fc.constantFrom('build', 'test').map((step): Tree => ({ is: 'status', step })),
);
const sign = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const plain = atom.filter(({ is }) => is === 'value' || is === 'name');
const compared: fc.Arbitrary<Tree> = fc.record({
  is: fc.constant('compare' as const),
  sign,
  left: plain,
  right: plain,
});
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    atom,
    compared,
    tie('tree').map((inner): Tree => ({ is: 'not', inner })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      )
      .map(([is, parts]): Tree => ({ is, parts })),
  ),
}));

/** Every inner part in parentheses. */
function written(one: Tree): string {
  switch (one.is) {
    case 'value':
      return typeof one.value === 'string' ? `"${one.value.replace(/[\\"]/g, '\\$&')}"` : String(one.value);
    case 'name':
      return one.name;
    case 'exists':
      return `exists(${one.name})`;
    case 'status':
      return `status(${one.step})`;
    case 'compare':
      return `${written(one.left)} ${one.sign} ${written(one.right)}`;
    case 'not':
      return `not (${written(one.inner)})`;
    default:
      return one.parts.map((part) => `(${written(part)})`).join(` ${one.is} `);
  }
}

const comesTo = (one: Tree): Value => {
  if (one.is === 'value') return one.value;
  if (one.is === 'name') return values[one.name] ?? null;
  return one.is === 'status' ? (statuses[one.step] ?? null) : isMet(one);
};
const numeric = (one: Value) =>
  typeof one === 'number' || (typeof one === 'string' && /^-?\d+(\.\d+)?$/.test(one));

/** All that a value may be taken for, as JSON. */
const readings = (one: Value): string[] => [
  JSON.stringify(one),
  ...(numeric(one) ? [JSON.stringify(Number(one))] : []),
  ...(one === 'true' || one === 'false' ? [one] : []),
];

function isMet(one: Tree): boolean {
  switch (one.is) {
    case 'exists':
      return (values[one.name] ?? null) !== null;
    case 'not':
      return !isMet(one.inner);
    case 'and':
      return !one.parts.some((part) => !isMet(part));
    case 'or':
      return one.parts.filter(isMet).length > 0;
    case 'compare': {
      const [left, right] = [comesTo(one.left), comesTo(one.right)];
      const same =
        typeof left === typeof right
          ? left === right
          : readings(left).includes(JSON.stringify(right)) || readings(right).includes(JSON.stringify(left));
      if (one.sign === '==') return same;
      if (one.sign === '!=') return !same;
      const asNumbers = numeric(left) && numeric(right);
      if (!asNumbers && !(typeof left === 'string' && typeof right === 'string')) return false;
      const pair: [number, number] | [string, string] = asNumbers
        ? [Number(left), Number(right)]
        : [String(left), String(right)];
      const holds = {
        '<': pair[0] < pair[1],
        '<=': pair[0] <= pair[1],
        '>': pair[0] > pair[1],
        '>=': pair[0] >= pair[1],
      };
      return holds[one.sign as keyof typeof holds];
    }
    default:
      return ![null, false, 0, '', '0', 'false'].includes(comesTo(one) as never);
  }
}

test('a condition with parentheses around everything is judged as the reference judges it', () => {
  fc.assert(
    fc.property(tree, (one) => {
      const text = written(one);
      expect(judge(parseCondition(text), scope), text).toBe(isMet(one));
    }),
    settings(20),
  );
});

test('without parentheses not binds more than and, and more than or', () => {
  const part = fc.tuple(fc.boolean(), fc.oneof(atom, compared));
  const condition = fc.array(fc.array(part, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(condition, fc.boolean(), (alternatives, short) => {
      const [and, or, not] = short ? ['&&', '||', '!'] : ['and', 'or', 'not '];
      const text = alternatives
        .map((all) => all.map(([isNot, one]) => `${isNot ? not : ''}${written(one)}`).join(` ${and} `))
        .join(` ${or} `);
      const met = alternatives.some((all) => all.every(([isNot, one]) => isMet(one) !== isNot));
      expect(judge(parseCondition(text), scope), text).toBe(met);
    }),
    settings(20),
  );
});
