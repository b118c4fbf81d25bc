/** Makes the list of steps that run: includes written out, a copy for each combination of a matrix, every name looked up. */
import { posix } from 'node:path';
import { KerutaError } from '../domain/errors.ts';
import { referenceFaults } from './check-references.ts';
import type { Scalar } from './condition/expression.ts';
import { playbookError } from './faults.ts';
import { parsePlaybook } from './parse-playbook.ts';
import {
  type Include,
  maxSteps,
  type Playbook,
  type PlaybookFault,
  type Step,
  type StepDefinition,
} from './playbook.ts';

/** How deep includes may lie in each other, and how many there may be in all. */
const [maxDepth, maxIncludes] = [20, 200];

/** What a playbook is expanded with. */
export interface ExpandOptions {
  /**
   * Reads an included file.
   * @param from  the file that includes it, as `parsePlaybook` was told, or as an earlier call named it
   * @returns its text, and how it is named: the same file always in the same way
   * @throws one of the five errors; its message becomes a fault of the include
   */
  readonly load: (path: string, from: string) => Promise<{ readonly file: string; readonly text: string }>;
  /** those that were given */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** A playbook that can run. */
export interface ExpandedPlaybook {
  readonly steps: readonly Step[];
  /** those that were given, and what playbooks say of the others; the outermost one counts */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** names of those that playbooks say something of */
  readonly declared: readonly string[];
}

/** @throws {InputError} KERUTA_ERR_PLAYBOOK with every fault of all files */
export async function expandPlaybook(playbook: Playbook, options: ExpandOptions): Promise<ExpandedPlaybook> {
  const expansion = new Expansion(options.load);
  await expansion.collect(playbook, [posix.normalize(playbook.file)]);
  const { definitions, defaults } = expansion;
  const faults = [...expansion.faults, ...referenceFaults(definitions)];
  const whole = (message: string) => ({ file: playbook.file, line: 1, field: 'steps', message });
  const count = definitions.reduce((sum, { matrix }) => sum + combinationsOf(matrix ?? {}), 0);
  if (count > maxSteps)
    faults.push(whole(`expected at most ${maxSteps} steps with includes and copies, got ${count}`));
  if (faults.length > 0) throw playbookError(faults);
  const steps = definitions.flatMap(copiesOf).map((step, index) => ({ ...step, index }));
  return { steps, parameters: { ...defaults, ...options.parameters }, declared: Object.keys(defaults) };
}

/** Goes through a playbook and what it includes, and keeps what is wrong until all of it was looked at. */
class Expansion {
  readonly definitions: StepDefinition[] = [];
  readonly faults: PlaybookFault[] = [];
  defaults: Readonly<Record<string, unknown>> = {};
  readonly #load: ExpandOptions['load'];
  #includes = 0;

  constructor(load: ExpandOptions['load']) {
    this.#load = load;
  }

  /** @param chain  the files that lead to this one, itself last */
  async collect(playbook: Playbook, chain: readonly string[]): Promise<void> {
    this.defaults = { ...playbook.parameters, ...this.defaults };
    for (const part of playbook.parts) {
      if (part.kind === 'step') this.definitions.push(part);
      else await this.#include(part, playbook.file, chain);
    }
  }

  async #include(include: Include, from: string, chain: readonly string[]): Promise<void> {
    const fault = (message: string) =>
      void this.faults.push({ file: from, line: include.line, field: include.field, message });
    this.#includes++;
    if (this.#includes === maxIncludes + 1) fault(`expected at most ${maxIncludes} includes in all`);
    if (this.#includes > maxIncludes) return;
    try {
      const { file, text } = await this.#load(include.path, from);
      const next = [...chain, posix.normalize(file)];
      const first = chain.indexOf(posix.normalize(file));
      if (first !== -1) return fault(`a file may not include itself: ${next.slice(first).join(' → ')}`);
      if (next.length > maxDepth) return fault(`expected at most ${maxDepth} files in each other`);
      await this.collect(parsePlaybook(text, { file }), next);
    } catch (error) {
      if (!(error instanceof KerutaError)) throw error;
      const told =
        error.code === 'KERUTA_ERR_PLAYBOOK'
          ? (error.details.faults as PlaybookFault[] | undefined)
          : undefined;
      if (told === undefined) fault(error.message);
      else this.faults.push(...told);
    }
  }
}

function combinationsOf(matrix: NonNullable<StepDefinition['matrix']>): number {
  return Object.values(matrix).reduce((product, { length }) => product * length, 1);
}

/** One for each combination; the value of the first name changes last. */
function copiesOf(definition: StepDefinition): Omit<Step, 'index'>[] {
  const { kind: _, file: _file, field: _field, lines: _lines, matrix, name, ...fields } = definition;
  if (matrix === null) return [{ ...fields, name, baseName: name, matrix: {} }];
  const combinations = Object.entries(matrix).reduce<readonly (readonly (readonly [string, Scalar])[])[]>(
    (before, [key, values]) =>
      before.flatMap((one) => values.map((value) => [...one, [key, value] as const])),
    [[]],
  );
  return combinations.map((values) => {
    const told = values.map(([key, value]) => `${key}=${value}`).join(', ');
    return { ...fields, name: `${name} (${told})`, baseName: name, matrix: Object.fromEntries(values) };
  });
}
