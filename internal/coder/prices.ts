/** What models cost. There are no prices of our own: they change, and a wrong one is worse than none. */
import { InputError } from '../domain/errors.ts';

/** Prices of one model; micro-dollars per million tokens. */
export interface Price {
  readonly inMicros: number;
  readonly outMicros: number;
  /** of what came out of the endpoint's cache */
  readonly cachedInMicros: number;
}

/** By name of the model. */
export type PriceTable = Readonly<Record<string, Price>>;

/** Tokens of one call, or of many. */
export interface TokenCounts {
  /** `cachedIn` included */
  readonly tokensIn: number;
  readonly cachedIn: number;
  readonly tokensOut: number;
}

/** A date or `latest` behind the name, as endpoints call the version that answered. */
const versionSuffix = /[-@](\d{4}-?\d{2}-?\d{2}|latest)$/;

/** Finds the price of a model; a version of it (`gpt-4.1-2025-04-14`) costs what the model does. @returns null = not known */
export function priceOf(prices: PriceTable, model: string | null): Price | null {
  if (model === null) return null;
  const name = [model, model.replace(versionSuffix, '')].find((one) => Object.hasOwn(prices, one));
  return name === undefined ? null : (prices[name] ?? null);
}

/** @returns micro-dollars, rounded up to a whole one */
export function costOf(price: Price, { tokensIn, cachedIn, tokensOut }: TokenCounts): number {
  const cached = Math.min(cachedIn, tokensIn);
  const parts =
    (tokensIn - cached) * price.inMicros + cached * price.cachedInMicros + tokensOut * price.outMicros;
  return Math.ceil(parts / 1e6);
}

/**
 * Refuses work whose cost is limited and would not be known, before anything is spent.
 * @param model  that will be asked; null = nobody knows
 * @throws {InputError} KERUTA_ERR_CONFIG
 */
export function refuseUnpriced(prices: PriceTable, model: string | null, maxCostMicros: number | null): void {
  if (maxCostMicros === null || priceOf(prices, model) !== null) return;
  throw new InputError(
    'KERUTA_ERR_CONFIG',
    model === null
      ? 'the cost is limited, but the agent does not tell it; give a "model", and its price in "prices", in dollars per million tokens'
      : `the cost is limited, but no price is known for the model ${model}; add it to "prices", in dollars per million tokens`,
  );
}
