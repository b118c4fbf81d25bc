import { InputError } from '../../domain/errors.ts';

/**
 * Puts values in the place of `{name}`.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a name that is not among the values
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return value;
    const known = Object.keys(values).map((key) => `{${key}}`);
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The template has the placeholder {${name.slice(0, 40)}}; expected ${known.join(', ')}.`,
    );
  });
}
