import { type Document, isNode, LineCounter, parseAllDocuments, stringify } from 'yaml';
import { InputError } from '../../../internal/domain/errors.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

/** Reads the documents of a YAML file (JSON is YAML); empty ones are passed over. @throws {InputError} KERUTA_ERR_WORKFLOW */
export function readYaml(file: string, text: string): WrittenWorkflow[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, merge: false, maxAliasCount: 100 };
  const parsed = parseAllDocuments(text, options);
  const documents: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const faults = documents.flatMap(({ errors }) => errors);
  if (faults.length > 0) {
    const told = faults
      .slice(0, 20)
      .map((fault) => `${file}:${lines.linePos(fault.pos[0]).line}: ${shortened(fault.message)}`);
    throw new InputError('KERUTA_ERR_WORKFLOW', `Expected YAML: ${told.join('; ')}`);
  }
  return documents
    .filter((document) => document.contents !== null)
    .map((document) => ({
      file,
      value: document.toJS({ maxAliasCount: 100 }),
      lineOf: (path) => lineOf(document, lines, path),
    }));
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function shortened(message: string): string {
  return message.split('\n')[0]?.slice(0, 200) ?? '';
}

/** Writes a value as YAML that `readYaml` reads as the same; long lines stay whole. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
