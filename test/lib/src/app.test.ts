import { beforeEach, describe, expect, test } from 'vitest';
import { App, type CronOptions, type RunContext, type TimedFunction } from '../../../lib/src/index.ts';
import { registry, takeRegistry } from '../../../lib/src/registry.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

beforeEach(() => void takeRegistry());

const expression = '0 * * * *';

describe('app.cron', () => {
  test('names the trigger after the function, falls back on it, keeps its name, and puts the tenant for the session', async () => {
    const app = new App('shop', { tenantId: 'tenant-7' });
    async function inventoryCheck() {
      return 'in stock';
    }
    const made = app.cron(
      { expression, focus: 'inventory', description: 'Looks at the shelves' },
      inventoryCheck,
    );
    expect([made.name, made.length]).toEqual(['inventoryCheck', 0]);
    expect(app.cronRegistry.getTrigger('inventoryCheck')).toMatchObject({
      eventName: 'inventoryCheck',
      expression,
      focus: 'inventory',
      description: 'Looks at the shelves',
      fallback: inventoryCheck,
      isEnabled: true,
    });
    const [unit] = [...registry().units.values()];
    expect(unit).toMatchObject({ name: 'inventoryCheck', session: 'tenant-7', triggers: [{ expression }] });
    expect(await app.cronRegistry.triggerNow('inventoryCheck')).toMatchObject({ result: 'in stock' });
  });

  test('hands the parameters of a run by hand to the function, and to the agent in its place', async () => {
    const stock: TimedFunction = async ({ parameters, source }) => ({ parameters, source });
    const told: unknown[] = [];
    const runtime = {
      triggerEvent: async (_name: string, { context }: { readonly context: RunContext }) => {
        told.push(context.parameters);
        throw new Error('no model');
      },
    };
    const app = new App('shop', { runtime });
    app.cron({ expression, eventName: 'stock' }, stock);
    const parameters = { shelf: 'a', count: 3 };
    const { cronRegistry } = app;
    expect((await cronRegistry.triggerNow('stock', parameters)).result).toEqual({
      parameters,
      source: 'manual',
    });
    expect((await cronRegistry.triggerNow('stock')).result).toEqual({ parameters: {}, source: 'manual' });
    expect(told).toEqual([parameters, {}]);
  });

  test('refuses a name that is taken, and an expression that is none', () => {
    const app = new App('shop');
    app.cron({ expression, eventName: 'x' }, () => 1);
    expect(() => app.cron({ expression, eventName: 'x' }, () => 2)).toThrow(
      'an eventName of its own, got x again',
    );
    expect(() => app.cron({ expression: 'often', eventName: 'y' }, () => 2)).toThrow('cron expression');
    expect(() => app.cronRegistry.getTriggerStatus('z')).toThrow('There is no trigger z; there are: x');
    expect(app.cronRegistry.getTrigger('z')).toBeNull();
  });

  test('takes a trigger by hand, with its retry, and refuses one without a name', async () => {
    const { cronRegistry } = new App('shop');
    let runs = 0;
    const fallback = () => {
      runs += 1;
      throw new Error(`run ${runs}`);
    };
    const retry = { maxAttempts: 3, backoffSeconds: 0 };
    cronRegistry.register({ eventName: 'clean', expression: '@daily', fallback, retry });
    expect(cronRegistry.getTrigger('clean')).toMatchObject({ focus: null, description: '', timezone: 'UTC' });
    expect(await cronRegistry.triggerNow('clean')).toMatchObject({ attempts: 3, error: 'run 3' });
    expect(() => new App('shop').cron({ expression }, () => 1)).toThrow('a function that has a name');
    expect(() => cronRegistry.register({ eventName: 'x', expression } as never)).toThrow(
      'x: expected a function',
    );
  });

  test.each([
    ['asks the agent', {}, 0.5, 'agent: prices'],
    ['falls back when the agent fails', { fails: true }, 0.5, 'fallback'],
    ['falls back always when it is told to', { fallbackStrategy: 'always' as const }, 0.5, 'fallback'],
    ['asks the agent as often as its weight says', { migrationWeight: 0.4 }, 0.5, 'fallback'],
    ['asks the agent within its weight', { migrationWeight: 0.6 }, 0.5, 'agent: prices'],
  ])(
    '%s',
    async (_title, { fails, ...options }: Partial<CronOptions> & { fails?: boolean }, fraction, result) => {
      const runtime = {
        triggerEvent: async (name: string) => {
          if (fails) throw new Error('no model');
          return `agent: ${name}`;
        },
      };
      const app = new App('shop', { runtime, fraction: () => fraction });
      app.cron({ expression, eventName: 'prices', ...options }, async () => 'fallback');
      expect(await app.cronRegistry.triggerNow('prices')).toMatchObject({ status: 'completed', result });
    },
  );

  test('with fallback never lets the failure of the agent stand', async () => {
    const runtime = { triggerEvent: () => Promise.reject(new Error('no model')) };
    const app = new App('shop', { runtime });
    app.cron({ expression, eventName: 'a', fallbackStrategy: 'never' }, () => 1);
    expect(await app.cronRegistry.triggerNow('a')).toMatchObject({ status: 'failed', error: 'no model' });
  });

  test('holds and lets go, and tells status and history', async () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1, 0, 59));
    const app = new App('shop', { time: clock });
    let count = 0;
    app.cron({ expression, eventName: 'count' }, () => {
      count += 1;
      if (count === 2) throw new Error('two');
      return count;
    });
    const hour = async () => {
      for (let step = 0; step < 120; step++) {
        clock.advance(30_000);
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      }
    };
    app.start();
    await hour();
    app.cronRegistry.pauseTrigger('count');
    expect(app.cronRegistry.getTriggerStatus('count')).toMatchObject({ isEnabled: false, nextAt: null });
    await hour();
    expect(count).toBe(1);
    app.cronRegistry.resumeTrigger('count');
    await hour();
    await app.stop();
    expect(app.cronRegistry.listTriggers().map(({ eventName }) => eventName)).toEqual(['count']);
    expect(app.cronRegistry.getTriggerStatus('count')).toMatchObject({ isEnabled: true, successRate: 0.5 });
    const history = app.cronRegistry.getExecutionHistory('count');
    expect(history.map(({ status, error }) => [status, error])).toEqual([
      ['failed', 'two'],
      ['skipped', 'paused'],
      ['completed', null],
    ]);
    expect(app.cronRegistry.getExecutionHistory('count', 1)).toHaveLength(1);
  });
});
