import { describe, expect, test } from 'vitest';
import { costOf, priceOf } from '../../../internal/coder/prices.ts';
import { noUsage, Spending } from '../../../internal/coder/spending.ts';

const prices = { toy: { inMicros: 2_000_000, outMicros: 8_000_000, cachedInMicros: 500_000 } };
const free = { limits: { maxTokens: null, maxCostMicros: null } };
const used = (tokensIn: number, costMicros: number | null = null) => ({
  ...noUsage,
  calls: 1,
  tokensIn,
  costMicros,
});

describe('a price', () => {
  test.each([
    ['toy', true],
    ['toy-2026-01-31', true],
    ['toy-20260131', true],
    ['toy@latest', true],
    ['toy-mini', false],
    ['other', false],
    ['constructor', false],
    [null, false],
  ])('is known for %s: %s', (model, isKnown) => {
    expect(priceOf(prices, model) !== null).toBe(isKnown);
  });

  test('counts what came out of a cache as such, and rounds up', () => {
    expect(costOf(prices.toy, { tokensIn: 1000, cachedIn: 600, tokensOut: 10 })).toBe(800 + 300 + 80);
    expect(costOf(prices.toy, { tokensIn: 0, cachedIn: 0, tokensOut: 0 })).toBe(0);
    expect(costOf(prices.toy, { tokensIn: 1, cachedIn: 1, tokensOut: 0 })).toBe(1);
    expect(costOf(prices.toy, { tokensIn: 1, cachedIn: 99, tokensOut: 0 })).toBe(1);
  });
});

describe('what is spent', () => {
  test('adds up, and every addition is told', async () => {
    const told: unknown[] = [];
    const spending = new Spending({ ...free, on: (event) => told.push(event) });
    expect(await spending.add(used(5))).toBeNull();
    expect(await spending.add(used(7, 3))).toBeNull();
    expect(spending.total).toMatchObject({ calls: 2, tokensIn: 12, costMicros: 3 });
    expect(told).toMatchObject([
      { type: 'usage', added: { calls: 1, tokensIn: 5 }, total: { tokensIn: 5, costMicros: null } },
      {
        type: 'usage',
        added: { calls: 1, tokensIn: 7, costMicros: 3 },
        total: { tokensIn: 12, costMicros: 3 },
      },
    ]);
  });

  test('only grows: a total that is lower is passed over, and nothing new is not told', async () => {
    const told: unknown[] = [];
    const spending = new Spending({ ...free, on: (event) => told.push(event) });
    await spending.raiseTo(used(9, 5));
    await spending.raiseTo(used(4, 6));
    await spending.raiseTo(used(1, null));
    expect(spending.total).toMatchObject({ calls: 1, tokensIn: 9, costMicros: 6 });
    expect(told).toHaveLength(2);
  });

  test('asks the gate first, which has the last word', async () => {
    const limits = { maxTokens: 1, maxCostMicros: null };
    const refused = new Spending({ limits, gate: async () => 'no' });
    expect(await refused.add(used(5))).toEqual({ reason: 'gate', words: 'no' });
    const allowed = new Spending({ limits, gate: async () => null });
    expect(await allowed.add(used(5))).toMatchObject({ reason: 'tokens' });
  });
});
