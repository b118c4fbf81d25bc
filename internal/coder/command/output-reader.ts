/** Reads what agents print, line by line: what they spend, what they say, how they ended. Whatever else is in it is passed over. */
import { maxMicro } from '../../domain/money.ts';
import { asObject } from '../json.ts';
import type { TokenCounts } from '../prices.ts';

/** What is known so far; numbers are totals. */
export interface SeenOutput extends TokenCounts {
  readonly model: string | null;
  readonly calls: number;
  /** null when the program does not tell */
  readonly costMicros: number | null;
  /** its last words; null = none */
  readonly words: string | null;
  /** a limit that it kept by itself */
  readonly limit: 'steps' | 'cost' | null;
  /** what it says went wrong; null = nothing */
  readonly fault: string | null;
}

/** Reads the output of one run. */
export interface OutputReader {
  readonly seen: SeenOutput;
  /** Takes a line of stdout, without its end. @returns what in it is for people; null = nothing */
  line(text: string): string | null;
}

/** Nothing printed. */
export const nothingSeen: SeenOutput = {
  ...{ model: null, calls: 0, tokensIn: 0, cachedIn: 0, tokensOut: 0, costMicros: null },
  ...{ words: null, limit: null, fault: null },
};

/** A JSON-safe object of which nothing is known. */
export type Loose = Readonly<Record<string, unknown>>;

/** The object in a field; an empty one when there is none. */
export const objectIn = (object: Loose, field: string): Loose => asObject(object[field]) ?? {};

/** The text in a field; null when there is none. */
export const textIn = (object: Loose, field: string): string | null => {
  const value = object[field];
  return typeof value === 'string' ? value : null;
};

/** The count in a field; 0 when it is none. */
export const countIn = (object: Loose, field: string): number => {
  const value = object[field];
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : 0;
};

/** Dollars as a number or a text, in micro-dollars; null when it is no amount. */
export function microsOf(dollars: unknown): number | null {
  const isAmount =
    typeof dollars === 'number' || (typeof dollars === 'string' && /^\d{1,10}(\.\d{1,18})?$/.test(dollars));
  const micros = isAmount ? Math.round(Number(dollars) * 1e6) : Number.NaN;
  return micros >= 0 && micros <= maxMicro ? micros : null;
}
