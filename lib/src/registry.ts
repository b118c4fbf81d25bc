/**
 * What a file has told of its functions. One table for the process, whichever copy of the library a file imports: the
 * commands `dev`, `deploy` and `call` read it.
 */
import type { RetryOptions, RunContext, WrittenTrigger } from './types.ts';

/** Any function, its arguments forgotten. */
export type AnyFunction = (...words: never[]) => unknown;

/** A function that somebody has said something about. */
export interface Unit {
  readonly fn: AnyFunction;
  /** as it was given, or the function's own; `''` = not known yet: the name it is exported by counts */
  name: string;
  description: string;
  /** session whose agent runs it, when it is deployed; null = as deploy says */
  session: string | null;
  readonly triggers: WrittenTrigger[];
  retry: RetryOptions | null;
  /** whether it is not run when it falls due */
  isHeld: boolean;
  /** not something to run by itself */
  isTool: boolean;
}

/** Told when a function has failed for the last time. */
export type ErrorHandler = (error: Error, name: string, context: RunContext) => unknown;
/** Told when a function that a file started has ended well. */
export type CompleteHandler = (result: unknown, filePath: string, context: RunContext) => unknown;

/** What a file can start by itself. */
export type Starting = 'scheduler' | 'watcher' | 'webhook';

/** Everything that was told. */
export interface Registry {
  readonly units: Map<AnyFunction, Unit>;
  readonly onError: ErrorHandler[];
  readonly onComplete: CompleteHandler[];
  /** workflows that were written out */
  readonly workflows: Readonly<Record<string, unknown>>[];
  /** what the file started itself */
  readonly started: Set<Starting>;
  /** whether the file is only read: then nothing that it starts begins */
  onlyDescribes: boolean;
}

const key = Symbol.for('keruta.library.registry.1');
type Holder = { [key]?: Registry };

/** The table of this process. */
export function registry(): Registry {
  const holder = globalThis as Holder;
  holder[key] ??= newRegistry();
  return holder[key];
}

function newRegistry(): Registry {
  const lists = { onError: [], onComplete: [], workflows: [] };
  return { units: new Map(), ...lists, started: new Set(), onlyDescribes: false };
}

/** Begins a new table, for the next file. @returns the old one */
export function takeRegistry(): Registry {
  const old = registry();
  delete (globalThis as Holder)[key];
  return old;
}

/** The entry of a function; made when there is none. */
export function unitOf(fn: AnyFunction): Unit {
  const { units } = registry();
  const known = units.get(fn);
  if (known !== undefined) return known;
  const empty = { description: '', session: null, triggers: [], retry: null, isHeld: false, isTool: false };
  const unit: Unit = { fn, name: fn.name, ...empty };
  units.set(fn, unit);
  return unit;
}

/** Gives names to functions that have none: those that they are exported by. @param exports of the module */
export function nameByExports(table: Registry, exports: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(exports)) {
    const unit = table.units.get(value as AnyFunction);
    if (unit !== undefined && unit.name === '') unit.name = name;
  }
}
