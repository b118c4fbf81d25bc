/** What is wrong with the files that a runner is given, as an error. Pure. */
import { type FieldPath, fieldText } from '../../pkg/shape/shape-faults.ts';
import { InputError } from '../domain/errors.ts';

/** One thing that is wrong. */
export interface FileFault {
  /** as it was named; or the variable that a value came from */
  readonly file: string;
  /** from 1; null: not known */
  readonly line: number | null;
  /** `llm.model`; `''`: the whole */
  readonly field: string;
  readonly message: string;
}

/** Where a file has its fields. */
export interface FilePlaces {
  readonly file: string;
  /** the line of a field, from 1; absent or null: lines are not known */
  readonly lineOf?: ((path: FieldPath) => number | null) | undefined;
}

/** Notes a fault at a field. */
export type TellFault = (path: FieldPath, message: string) => void;

/** A fault at a field. */
export function faultAt({ file, lineOf }: FilePlaces, path: FieldPath, message: string): FileFault {
  return { file, line: lineOf?.(path) ?? null, field: fieldText(path), message };
}

/** An error that tells every fault on a line of its own: `runner.yaml:7: llm.model: …`. */
export function fileError(
  code: 'KERUTA_ERR_CONFIG' | 'KERUTA_ERR_TASK_CONTEXT',
  faults: readonly FileFault[],
): InputError {
  return new InputError(code, faults.map(faultText).join('\n'), { details: { faults } });
}

function faultText({ file, line, field, message }: FileFault): string {
  return `${file}${line === null ? '' : `:${line}`}: ${field === '' ? '' : `${field}: `}${message}`;
}
