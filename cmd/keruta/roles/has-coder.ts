import { readFileSync } from 'node:fs';
import { readRunnerFile } from '../../../internal/runner/runner-file.ts';

/**
 * Whether a configuration of the runner names a coding agent. One that cannot be read names none: the first task that is done by it says
 * what is wrong.
 * @param file  absolute; null: there is none
 */
export function hasCoder(file: string | null): boolean {
  if (file === null) return false;
  try {
    const { value } = readRunnerFile(readFileSync(file, 'utf8'), { file, code: 'KERUTA_ERR_CONFIG' });
    const { coder, llm } = (value ?? {}) as { readonly coder?: unknown; readonly llm?: unknown };
    return (coder ?? llm ?? null) !== null;
  } catch {
    return false;
  }
}
