/** The functions of a file, by the names that they are deployed under. */
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { type AnyFunction, type Unit, unitOf } from '../../../lib/src/registry.ts';
import type { ImportedFile } from './import-file.ts';

/**
 * Every function that was told of, and every one that is exported; tools are left out.
 * @throws {InputError} KERUTA_ERR_LIBRARY_FILE: one without a name, two of one name
 */
export function unitsOf({ table, exports, path }: ImportedFile): Unit[] {
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value !== 'function' || table.units.has(value as AnyFunction) || isClass(value)) continue;
    const unit = unitOf(value as AnyFunction);
    if (unit.name === '') unit.name = name;
  }
  const units = [...table.units.values()].filter(({ isTool }) => !isTool);
  const names = new Set<string>();
  for (const { name, triggers } of units) {
    if (name === '' || name === 'default')
      throw fault(
        `${path}: a function without a name (${JSON.stringify(triggers)}); export it, or give it one`,
      );
    if (names.has(name))
      throw fault(`${path}: expected each function to have a name of its own, got two named ${name}`);
    names.add(name);
  }
  return units;
}

/** The function of that name. @throws {NotFoundError} KERUTA_ERR_FUNCTION_NOT_FOUND */
export function namedUnit(file: ImportedFile, name: string): Unit {
  const units = unitsOf(file);
  const found =
    units.find((unit) => unit.name === name) ?? units.find((unit) => unit.fn === file.exports[name]);
  if (found !== undefined) return found;
  const known = units.map((unit) => unit.name).join(', ') || 'none';
  throw new NotFoundError(
    'KERUTA_ERR_FUNCTION_NOT_FOUND',
    `${file.path} has no function ${name}; it has: ${known}`,
  );
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function fault(message: string): InputError {
  return new InputError('KERUTA_ERR_LIBRARY_FILE', message);
}
