/** Paths into an event: the part of JSON paths that names one value. Pure. */
import { InputError } from '../../domain/errors.ts';

/** What paths lead into. */
export interface EventValues {
  /** the payload, `$` */
  readonly body: unknown;
  /** `headers`; names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  /** `query` */
  readonly query: Readonly<Record<string, string>>;
  /** `method` */
  readonly method: string;
  /** `kind`: what the sender calls the event; `''` when it does not say */
  readonly kind: string;
}

/** A path that was read. */
export interface ValuePath {
  readonly root: 'body' | 'headers' | 'query' | 'method' | 'kind';
  readonly steps: readonly (string | number)[];
}

/** Longest path; characters. */
export const maxPathLength = 500;

const roots = { $: 'body', headers: 'headers', query: 'query', method: 'method', kind: 'kind' } as const;
const rootPattern = /\$|[a-z]+/y;
const stepPattern = /\.([A-Za-z0-9_@-]+)|\[(\d{1,9})\]|\[(?:'([^']*)'|"([^"]*)")\]/y;

/**
 * Reads a path: `$` is the payload, `.name`, `['any name']` and `[0]` lead further; other roots are `headers`, `query`,
 * `method` and `kind`.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function readPath(text: string): ValuePath {
  const found = pathAt(text, 0);
  if (found !== null && found.end === text.length && text.length <= maxPathLength) return found.path;
  const shown = JSON.stringify(text.slice(0, 100));
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `expected a path such as $.repository.name, $.items[0] or headers.x-event; got ${shown}`,
  );
}

/** The path that begins at an offset of a text; null when none does. */
export function pathAt(
  text: string,
  from: number,
): { readonly path: ValuePath; readonly end: number } | null {
  rootPattern.lastIndex = from;
  const name = rootPattern.exec(text)?.[0] ?? '';
  if (!Object.hasOwn(roots, name)) return null;
  const root = roots[name as keyof typeof roots];
  const steps: (string | number)[] = [];
  let end = from + name.length;
  for (;;) {
    stepPattern.lastIndex = end;
    const step = stepPattern.exec(text);
    if (step === null) return { path: { root, steps }, end };
    const [all, plain, index, single, double] = step;
    steps.push(index === undefined ? (plain ?? single ?? double ?? '') : Number(index));
    end += all.length;
  }
}

/** The value that a path leads to; undefined when there is none. Own fields only: nothing of a prototype is reached. */
export function valueAt({ root, steps }: ValuePath, values: EventValues): unknown {
  let value: unknown = values[root];
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) ? typeof step !== 'number' : typeof step === 'number') return undefined;
    const name = root === 'headers' ? String(step).toLowerCase() : step;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string | number, unknown>)[name];
  }
  return value;
}
