import { parse, TomlError } from 'smol-toml';
import { InputError } from '../../../internal/domain/errors.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

/** Reads a TOML file. @throws {InputError} KERUTA_ERR_WORKFLOW with the line */
export function readToml(file: string, text: string): WrittenWorkflow {
  try {
    return { file, value: parse(text), lineOf: (path) => lineOf(text, path) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ''] = error.message.split('\n');
    throw new InputError('KERUTA_ERR_WORKFLOW', `Expected TOML: ${file}:${error.line}: ${first}`);
  }
}

/** The parser gives no places: looks for the header of the nearest table, then for the key under it. */
function lineOf(text: string, path: readonly (string | number)[]): number {
  const counts = new Map<string, number>();
  let [best, matched] = [1, -1];
  let table: (string | number)[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, open, name] = /^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?/.exec(line) ?? [];
    const key = /^\s*("[^"]*"|[\w.-]+)\s*=/.exec(line)?.[1];
    if (name !== undefined) {
      const keys = name.split('.').map(bare);
      const nth = counts.get(name) ?? 0;
      counts.set(name, nth + 1);
      table = open === '[[' ? [...keys, nth] : keys;
    }
    const here =
      name !== undefined ? table : key === undefined ? null : [...table, ...key.split('.').map(bare)];
    if (here === null || here.length <= matched || !here.every((part, at) => part === path[at])) continue;
    [best, matched] = [index + 1, here.length];
  }
  return best;
}

function bare(key: string): string {
  return key.trim().replace(/^"(.*)"$/, '$1');
}
