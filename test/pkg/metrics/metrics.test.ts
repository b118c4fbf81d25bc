import { describe, expect, test } from 'vitest';
import { LabelCap } from '../../../pkg/metrics/label-cap.ts';
import { Metrics } from '../../../pkg/metrics/metrics.ts';

const valuesOf = async (metrics: Metrics) =>
  (await metrics.text()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('a metric that is read', () => {
  test('has the value of the moment, and none when reading fails or nothing is known', async () => {
    const readings: (() => number | null)[] = [
      () => 3,
      () => null,
      () => {
        throw new Error('away');
      },
      () => 4,
    ];
    const row = { name: 'b', type: 'gauge', help: 'h', labels: ['kind'] } as const;
    const gone = () => Promise.reject(new Error('away'));
    const metrics = new Metrics()
      .read(row, gone)
      .read({ name: 'a', type: 'gauge', help: 'h' }, () => (readings.shift() ?? (() => 0))());
    expect(await valuesOf(metrics)).toEqual(['a 3']);
    expect(await valuesOf(metrics)).toEqual([]);
    expect(await valuesOf(metrics)).toEqual([]);
    expect(await valuesOf(metrics)).toEqual(['a 4']);
  });

  test('is told as what it is, and not added up from scrape to scrape', async () => {
    const row = { name: 'a_total', type: 'counter', help: 'h', labels: ['kind'] } as const;
    const metrics = new Metrics().read(row, async () => [{ labels: { kind: 'x' }, value: 7 }]);
    await metrics.text();
    expect((await metrics.text()).body).toContain('# TYPE a_total counter\na_total{kind="x"} 7\n');
  });
});

test('a metric that is fed counts up, and sorts into buckets; a clock that went back counts as no time', async () => {
  const metrics = new Metrics();
  const count = metrics.counter({ name: 'c_total', type: 'counter', help: 'h' });
  const observe = metrics.histogram({ name: 't_seconds', type: 'histogram', help: 'h', buckets: [1, 5] });
  count({});
  count({}, 2);
  observe({}, 3);
  observe({}, -3);
  expect(await valuesOf(metrics)).toEqual([
    'c_total 3',
    't_seconds_bucket{le="1"} 1',
    't_seconds_bucket{le="5"} 2',
    't_seconds_bucket{le="+Inf"} 2',
    't_seconds_sum 3',
    't_seconds_count 2',
  ]);
});

test('a capped label keeps the names that came first, and calls all others the same', () => {
  const cap = new LabelCap(2, 'other');
  expect(['a', 'b', 'c', 'a', 'd', 'b'].map((value) => cap.of(value))).toEqual([
    ...['a', 'b', 'other', 'a', 'other', 'b'],
  ]);
});
