/** Looks up what conditions and texts of steps name: a step that is not there would be a condition that is never met. Pure. */
import { nearest } from '../../pkg/text/nearest.ts';
import { stepKey } from './condition/evaluate.ts';
import { type Expression, partsOf } from './condition/expression.ts';
import type { Template } from './condition/template.ts';
import type { PlaybookFault, StepDefinition } from './playbook.ts';

/** What is known of the steps before one, by their keys. */
type Known = ReadonlyMap<string, { readonly name: string; readonly outputs: readonly string[] | null }>;

/** @param definitions  all, in the order in which they run */
export function referenceFaults(definitions: readonly StepDefinition[]): PlaybookFault[] {
  const known = new Map<string, { readonly name: string; readonly outputs: readonly string[] | null }>();
  return definitions.flatMap((definition) => {
    const faults = faultsOf(definition, known);
    const key = stepKey(definition.name);
    const before = known.get(key);
    const isOpen = definition.outputs === null || before?.outputs === null;
    const outputs = isOpen ? null : [...(before?.outputs ?? []), ...(definition.outputs ?? [])];
    known.set(key, { name: definition.name, outputs });
    return faults;
  });
}

function faultsOf(definition: StepDefinition, known: Known): PlaybookFault[] {
  const texts: readonly (readonly [string, readonly Template[]])[] = [
    ['env', Object.values(definition.env)],
    ['workdir', definition.workdir === null ? [] : [definition.workdir]],
    ['artifacts', definition.artifacts],
  ];
  const expressions: readonly (readonly [string, Expression])[] = [
    ...(definition.condition === null ? [] : [['condition', definition.condition] as const]),
    ...texts.flatMap(([key, templates]) =>
      templates.flat().flatMap((part) => (typeof part === 'string' ? [] : [[key, part] as const])),
    ),
  ];
  const { file, field, lines } = definition;
  return expressions.flatMap(([key, expression]) =>
    [...partsOf(expression)].flatMap((part) => {
      const message = messageOf(part, definition, known);
      const line = lines[key] ?? lines[''] ?? 1;
      return message === null ? [] : [{ file, line, field: `${field}.${key}`, message }];
    }),
  );
}

function messageOf(part: Expression, definition: StepDefinition, known: Known): string | null {
  if (part.kind === 'status') return part.step === null ? null : unknownStep(part.step, known);
  if (part.kind !== 'path' && part.kind !== 'set') return null;
  const [root, name, output] = part.path;
  if (root === 'matrix') {
    const names = Object.keys(definition.matrix ?? {});
    if (typeof name === 'string' && names.includes(name)) return null;
    return `expected matrix.NAME with a name of this step's matrix; ${hint(String(name ?? ''), names)}`;
  }
  if (root !== 'steps') return null;
  if (typeof name !== 'string' || typeof output !== 'string')
    return 'expected steps.STEP.OUTPUT, such as steps.build.version';
  const missing = unknownStep(name, known);
  if (missing !== null) return missing;
  const step = known.get(stepKey(name));
  if (step === undefined || step.outputs === null || step.outputs.includes(output)) return null;
  return `the step ${step.name} has no output ${output}; ${hint(output, step.outputs)}`;
}

function unknownStep(name: string, known: Known): string | null {
  if (known.has(stepKey(name))) return null;
  const names = [...known.values()].map((step) => step.name);
  return `no step before this one is called ${name}; ${hint(name, names)}`;
}

function hint(typed: string, names: readonly string[]): string {
  const meant =
    nearest(typed, names) ?? names.find((name) => nearest(stepKey(typed), [stepKey(name)]) !== null);
  if (meant !== undefined && meant !== null) return `did you mean ${meant}?`;
  return names.length === 0 ? 'there is none' : `expected one of ${names.slice(0, 20).join(', ')}`;
}
