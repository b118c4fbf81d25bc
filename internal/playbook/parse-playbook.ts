/** Reads a playbook out of its text. Pure. */
import { basename, extname } from 'node:path';
import { type FieldPath, fieldText, shapeFaults } from '../../pkg/shape/shape-faults.ts';
import { readYamlText, type YamlDocument } from '../../pkg/yaml/yaml-lines.ts';
import { KerutaError } from '../domain/errors.ts';
import type { Expression } from './condition/expression.ts';
import { parseCondition } from './condition/parse-condition.ts';
import { hasPlaces, parseTemplate, placeOpening, type Template } from './condition/template.ts';
import { playbookError } from './faults.ts';
import {
  type Include,
  maxPlaybookBytes,
  maxSteps,
  type Playbook,
  type PlaybookFault,
  type PlaybookPart,
  type StepDefinition,
} from './playbook.ts';
import {
  includeShape,
  type PlaybookInput,
  playbookShape,
  type StepInput,
  stepShape,
} from './playbook-shape.ts';
import { readShell } from './shell.ts';

/**
 * Reads a playbook.
 * @param source.file  as faults name it
 * @throws {InputError} KERUTA_ERR_PLAYBOOK with every fault, also in `details.faults`
 */
export function parsePlaybook(text: string, source: { readonly file: string }): Playbook {
  const { file } = source;
  const whole = (line: number, message: string) => playbookError([{ file, line, field: '', message }]);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxPlaybookBytes) throw whole(1, `expected at most ${maxPlaybookBytes} bytes, got ${bytes}`);
  const { documents, faults } = readYamlText(text);
  if (faults !== undefined) throw playbookError(faults.map((fault) => ({ file, field: '', ...fault })));
  const [document, second] = documents;
  if (document === undefined) throw whole(1, 'expected a playbook, got an empty file');
  if (second !== undefined)
    throw whole(second.lineOf([]), 'expected one playbook in a file, got a second document');
  return new PlaybookReading(file, document).read();
}

/** Reads one document, and keeps what is wrong with it until all of it was looked at. */
class PlaybookReading {
  readonly #file: string;
  readonly #document: YamlDocument;
  readonly #faults: PlaybookFault[] = [];

  constructor(file: string, document: YamlDocument) {
    this.#file = file;
    this.#document = document;
  }

  read(): Playbook {
    const read = playbookShape.safeParse(this.#document.value);
    if (!read.success)
      for (const { path, message } of shapeFaults(read.error, { keys: Object.keys(playbookShape.shape) }))
        this.#fault(path, message);
    const input: PlaybookInput = read.success ? read.data : {};
    const includes = (input.includes ?? []).map((path, index) => this.#include(path, ['includes', index]));
    // steps are looked at also when something else is wrong, so that everything is told at once
    const steps = read.success ? (input.steps ?? []) : looseSteps(this.#document.value);
    const parts = [...includes, ...steps.flatMap((step, index) => this.#part(step, ['steps', index], input))];
    const isShort = this.#faults.length === 0 && parts.length === 0;
    if (isShort) this.#fault(['steps'], 'expected at least one step');
    if (this.#faults.length > 0) throw playbookError(this.#faults);
    return {
      file: this.#file,
      name: input.name ?? basename(this.#file, extname(this.#file)),
      description: input.description ?? '',
      parameters: input.parameters ?? {},
      parts,
    };
  }

  #part(written: unknown, path: FieldPath, defaults: PlaybookInput): PlaybookPart[] {
    if (typeof written === 'object' && written !== null && 'include' in written) {
      const read = includeShape.safeParse(written);
      if (read.success) return [this.#include(read.data.include, [...path, 'include'])];
      this.#shapeFaults(read.error, path, includeShape.shape);
      return [];
    }
    const read = stepShape.safeParse(written);
    if (read.success) return [this.#step(read.data, path, defaults)];
    this.#shapeFaults(read.error, path, stepShape.shape);
    return [];
  }

  #include(path: string, at: FieldPath): Include {
    return { kind: 'include', path, line: this.#document.lineOf(at), field: fieldText(at) };
  }

  #step(input: StepInput, path: FieldPath, defaults: PlaybookInput): StepDefinition {
    if (hasPlaces(input.command))
      this.#fault(
        [...path, 'command'],
        // a value in the text of a command would be run as a part of it
        `expected no ${placeOpening} }} in a command; give the value as a variable under env, and use "$NAME"`,
      );
    const artifacts = typeof input.artifacts === 'string' ? [input.artifacts] : (input.artifacts ?? []);
    const combinations = Object.values(input.matrix ?? {}).reduce(
      (product, { length }) => product * length,
      1,
    );
    if (combinations > maxSteps)
      this.#fault([...path, 'matrix'], `expected at most ${maxSteps} combinations, got ${combinations}`);
    return {
      kind: 'step',
      name: input.name,
      command: input.command,
      shell: readShell(input.shell ?? defaults.shell),
      timeoutMs: input.timeout_seconds === undefined ? null : Math.ceil(input.timeout_seconds * 1000),
      retryCount: input.retry_count ?? 0,
      condition: this.#condition(input.condition, [...path, 'condition']),
      failFast: input.fail_fast ?? true,
      continueOnError: input.continue_on_error ?? false,
      always: input.always ?? false,
      env: { ...this.#env(defaults.env, ['env']), ...this.#env(input.env, [...path, 'env']) },
      workdir: input.workdir === undefined ? null : this.#template(input.workdir, [...path, 'workdir']),
      outputs: input.outputs ?? null,
      artifacts: artifacts.map((one) => this.#template(one, [...path, 'artifacts'])),
      matrix: input.matrix ?? null,
      file: this.#file,
      field: fieldText(path),
      lines: Object.fromEntries(
        ['', ...Object.keys(input)].map((key) => [
          key,
          this.#document.lineOf(key === '' ? path : [...path, key]),
        ]),
      ),
    };
  }

  #condition(written: string | boolean | undefined, path: FieldPath): Expression | null {
    if (written === undefined) return null;
    if (typeof written === 'boolean') return { kind: 'value', value: written };
    return this.#told(path, () => parseCondition(written));
  }

  #env(written: PlaybookInput['env'], path: FieldPath): Record<string, Template> {
    const entries = Object.entries(written ?? {});
    return Object.fromEntries(
      entries.map(([name, value]) => [name, this.#template(String(value), [...path, name])]),
    );
  }

  #template(text: string, path: FieldPath): Template {
    return this.#told(path, () => parseTemplate(text)) ?? [];
  }

  /** What a reader gives; its refusal becomes a fault. */
  #told<T>(path: FieldPath, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof KerutaError)) throw error;
      this.#fault(path, error.message);
      return null;
    }
  }

  #shapeFaults(error: Parameters<typeof shapeFaults>[0], path: FieldPath, shape: object): void {
    for (const { path: below, message } of shapeFaults(error, { keys: Object.keys(shape) }))
      this.#fault([...path, ...below], message);
  }

  #fault(path: FieldPath, message: string): void {
    const [file, line] = [this.#file, this.#document.lineOf(path)];
    // what the playbook says for all its steps is wrong once
    const field = fieldText(path);
    const isTold = this.#faults.some((fault) => fault.field === field && fault.message === message);
    if (!isTold) this.#faults.push({ file, line, field, message });
  }
}

/** What stands under `steps`, when the whole has not the shape. */
function looseSteps(value: unknown): readonly unknown[] {
  const steps = (value as { readonly steps?: unknown } | null)?.steps;
  return Array.isArray(steps) ? steps.slice(0, maxSteps) : [];
}
