/** What changes between two definitions, one line per field. */

/** One field that differs; `undefined`: not there. */
export interface FieldChange {
  /** `triggers[0].spec.expression` */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields that differ, in the order in which they stand. */
export function diffOf(before: unknown, after: unknown): FieldChange[] {
  const [old, young] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...old.keys(), ...young.keys()])]
    .map((path) => ({ path, before: old.get(path), after: young.get(path) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

function fieldsOf(value: unknown, path = '', found = new Map<string, unknown>()): Map<string, unknown> {
  if (value !== null && typeof value === 'object' && Object.keys(value).length > 0) {
    for (const [key, part] of Object.entries(value)) {
      const name = Array.isArray(value) ? `[${key}]` : path === '' ? key : `.${key}`;
      fieldsOf(part, path + name, found);
    }
  } else if (path !== '') found.set(path, value);
  return found;
}

/** A change as lines of a diff; values of several lines are told by their length. */
export function diffLines({ path, before, after }: FieldChange): string[] {
  const lines: string[] = [];
  if (before !== undefined) lines.push(`- ${path}: ${shown(before)}`);
  if (after !== undefined) lines.push(`+ ${path}: ${shown(after)}`);
  return lines;
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? '';
  const lines = value.split('\n');
  const first = (lines[0] ?? '').slice(0, 120);
  return lines.length > 2 ? `${first} … (${lines.length} lines)` : first;
}
