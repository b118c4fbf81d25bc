/** Reads workflows from files, and knows on which line each of their fields stands. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { isAutomation, readAutomation } from './automation-file.ts';
import { readToml } from './toml-lines.ts';
import { readYaml } from './yaml-lines.ts';

/** One workflow as it stands in a file. */
export interface WrittenWorkflow {
  /** the file, as it was named */
  readonly file: string;
  readonly value: unknown;
  /** the line on which a field stands, or what is nearest above it; from 1 */
  lineOf(path: readonly (string | number)[]): number;
  /** what a field is called in the file, where that is not its path */
  fieldOf?(path: readonly (string | number)[]): string;
  /** the workflow that says what is run, when this one does not: see `resolveAgents` */
  readonly agent?: string;
  /** what is wrong, with file and line; it cannot be taken then */
  readonly faults?: readonly string[];
}

/** Where workflows of a repository are. */
export const defaultPlace = '.keruta/workflows';

/** Largest file; bytes. */
const maxBytes = 4 * 1024 * 1024;

/**
 * Reads all workflows of a file or a directory (its `*.yaml`, `*.yml` and `*.toml` files, by name).
 * @param env  for variables in automation files
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 * @throws {InputError} KERUTA_ERR_WORKFLOW: a file that is not of its format, with every line that is wrong
 */
export function readWorkflowFiles(
  place: string,
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): WrittenWorkflow[] {
  const path = resolve(directory, place);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new NotFoundError(
      'KERUTA_ERR_FILE_NOT_FOUND',
      `There is no ${place}; name a file or a directory with -f.`,
    );
  if (!found.isDirectory()) return readOne(place, path, env);
  const names = readdirSync(path)
    .filter((name) => isFormat(name))
    .sort();
  if (names.length === 0)
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `${place} has no file *.yaml, *.yml or *.toml.`);
  return names.flatMap((name) => readOne(join(place, name), join(path, name), env));
}

function isFormat(name: string): boolean {
  return (
    ['.yaml', '.yml', '.toml', '.json'].includes(extname(name).toLowerCase()) &&
    !basename(name).startsWith('.')
  );
}

function readOne(
  file: string,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): WrittenWorkflow[] {
  const found = statSync(path);
  if (!found.isFile()) throw new InputError('KERUTA_ERR_WORKFLOW', `${file}: expected a plain file`);
  if (found.size > maxBytes)
    throw new InputError('KERUTA_ERR_WORKFLOW', `${file}: expected at most 4 MiB, got ${found.size} bytes`);
  const text = readFileSync(path, 'utf8');
  const all = extname(path).toLowerCase() === '.toml' ? [readToml(file, text)] : readYaml(file, text);
  return all.flatMap((one) => (isAutomation(one.value) ? readAutomation({ ...one, env }) : [one]));
}
