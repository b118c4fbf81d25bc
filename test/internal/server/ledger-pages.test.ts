import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminToken, startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  const name = 'paged';
  const made = await server.call('POST', 'workflows', { name, run: 'true', overlap: 'allow' });
  expect(made.status).toBe(201);
  for (let n = 0; n < 60; n++) {
    const fired = await server.call('POST', `workflows/${name}/fire`, {});
    expect(fired.status).toBeLessThan(300);
  }
}, 120_000);
afterAll(() => server.close());

const page = (query: string) =>
  server.call('GET', `ledger?${query}`, undefined, { authorization: `Bearer ${adminToken}` });
type Rows = readonly { readonly id: string; readonly at: string }[];
const rowsOf = ({ entries }: { readonly entries: Rows }): Rows => entries;

test.each(['0', '101', '-1', '1.5', 'x'])(
  'a page of %s rows is refused: there are 1 to 100',
  async (limit) => {
    const answer = await page(`limit=${limit}`);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toMatch(/limit/);
  },
);

test('a page has as many rows as were asked for, 50 unless told, the newest first', async () => {
  const sizes = await Promise.all(
    ['limit=1', 'limit=100', ''].map(async (query) => rowsOf((await page(query)).body).length),
  );
  expect(sizes).toEqual([1, 100, 50]);
  const times = rowsOf((await page('limit=100')).body).map(({ at }) => Date.parse(at));
  expect(times).toEqual(times.toSorted((a, b) => b - a));
});
