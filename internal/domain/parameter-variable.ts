/** How a parameter of a task is called, and written, in the environment of what is run. */

/** The name of a parameter's variable: upper case, every other character than A-Z, 0-9 becomes `_`. */
export function parameterVariable(name: string): string {
  return `KERUTA_PARAM_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/** A parameter as text: a text as it is, everything else as JSON; `''` for what has none. */
export function parameterText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
