import type { KerutaError } from '../../../internal/domain/errors.ts';
import { pathText } from '../../../internal/trigger/read-workflow.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a server finds wrong with a workflow, with file, line and field. */
export function faultsOf(one: WrittenWorkflow, error: KerutaError): string[] {
  const faults = (error.details.faults ?? []) as readonly Fault[];
  if (faults.length === 0) return [`${one.file}: ${error.message}`];
  return faults.map(({ path, message }) => {
    const field = one.fieldOf?.(path) ?? (path.length === 0 ? '' : pathText(path));
    return `${one.file}:${one.lineOf(path)}: ${field === '' ? '' : `${field}: `}${message}`;
  });
}
