/** What is wrong with playbooks, as an error. Pure. */
import { InputError } from '../domain/errors.ts';
import type { PlaybookFault } from './playbook.ts';

/** An error that tells every fault, each with file, line and field. */
export function playbookError(faults: readonly PlaybookFault[]): InputError {
  return new InputError('KERUTA_ERR_PLAYBOOK', faults.map(faultText).join('\n'), { details: { faults } });
}

/** `ci.yaml:7: steps[1].condition: …` */
export function faultText({ file, line, field, message }: PlaybookFault): string {
  return `${file}:${line}: ${field === '' ? '' : `${field}: `}${message}`;
}
