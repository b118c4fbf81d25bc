import { stringify } from 'yaml';
import { InputError } from '../../../internal/domain/errors.ts';
import { readYamlText } from '../../../pkg/yaml/yaml-lines.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

/** Reads the documents of a YAML file (JSON is YAML); empty ones are passed over. @throws {InputError} KERUTA_ERR_WORKFLOW */
export function readYaml(file: string, text: string): WrittenWorkflow[] {
  const { documents, faults } = readYamlText(text);
  if (faults !== undefined) {
    const told = faults.map(({ line, message }) => `${file}:${line}: ${message}`);
    throw new InputError('KERUTA_ERR_WORKFLOW', `Expected YAML: ${told.join('; ')}`);
  }
  return documents.map((document) => ({ file, ...document }));
}

/** Writes a value as YAML that `readYaml` reads as the same; long lines stay whole. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
