/** Takes the text of a file apart that a runner is given: YAML or JSON. Pure. */
import { readYamlText } from '../../pkg/yaml/yaml-lines.ts';
import { type FilePlaces, fileError } from './faults.ts';

/** A file that was read, as `readRunnerConfig` and `readRunnerTask` take it. */
export interface RunnerFile extends FilePlaces {
  /** null: the file is empty */
  readonly value: unknown;
}

/** More than people write, and than a task with a failure bundle has; bytes. */
export const maxFileBytes = 4 * 1024 * 1024;

/**
 * Reads a text. What programs wrote as JSON is taken as that: it may hold what YAML written by people does not.
 * @param source.file  as faults name it
 * @param source.code  of the error
 * @throws {InputError} neither YAML nor JSON, more than one document, or over {@link maxFileBytes}
 */
export function readRunnerFile(
  text: string,
  source: { readonly file: string; readonly code: 'KERUTA_ERR_CONFIG' | 'KERUTA_ERR_TASK_CONTEXT' },
): RunnerFile {
  const { file, code } = source;
  const refuse = (line: number | null, message: string) =>
    fileError(code, [{ file, line, field: '', message }]);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxFileBytes) throw refuse(null, `expected at most ${maxFileBytes} bytes, got ${bytes}`);
  const json = jsonOf(text);
  if (json !== undefined) return { file, value: json };
  const { documents, faults } = readYamlText(text);
  if (faults !== undefined)
    throw fileError(
      code,
      faults.map((fault) => ({ file, field: '', ...fault })),
    );
  const [document, second] = documents;
  if (second !== undefined)
    throw refuse(second.lineOf([]), 'expected one document in a file, got a second one');
  if (document === undefined) return { file, value: null };
  return { file, value: document.value, lineOf: (path) => document.lineOf(path) };
}

function jsonOf(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
