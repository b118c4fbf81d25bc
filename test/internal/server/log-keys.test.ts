import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

/** Lines of a task under an Idempotency-Key. */
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const line = { level: 'INFO', message: 'm' };
const send = (task: string, key: string, body: unknown = line, path = 'logs') =>
  server.call('POST', `tasks/${task}/${path}`, body, { 'idempotency-key': key });
async function messages(task: string): Promise<string[]> {
  const { body } = await server.call('GET', `tasks/${task}/logs`);
  return (body as { message: string }[]).map(({ message }) => message).reverse();
}

test('a line that is repeated under its key is answered as before and there once', async () => {
  const { id: taskId } = (await makeTask(server)).task;
  const [first, second] = [await send(taskId, 'k'), await send(taskId, 'k')];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body.id).toBe(first.body.id);
  expect(await messages(taskId)).toEqual(['m']);
});

test('the same line under another key, under none, and of another task is a line of its own', async () => {
  const { id: taskId } = (await makeTask(server)).task;
  const { id: other } = (await makeTask(server)).task;
  await send(taskId, 'k');
  await send(taskId, 'l');
  await server.call('POST', `tasks/${taskId}/logs`, line);
  await send(other, 'k');
  expect(await messages(taskId)).toEqual(['m', 'm', 'm']);
  expect(await messages(other)).toEqual(['m']);
});

test('a batch that is repeated under its key is there once, in its order', async () => {
  const { id: taskId } = (await makeTask(server)).task;
  const texts = Array.from({ length: 50 }, (_, index) => String(index));
  const logs = texts.map((message) => ({ level: 'INFO', message }));
  for (const _time of [1, 2]) {
    const { status, body } = await send(taskId, 'k', { logs }, 'logs/batch');
    expect({ status, body }).toEqual({ status: 201, body: { status: 'ok', count: 50 } });
  }
  expect(await messages(taskId)).toEqual(texts);
});

test.each([
  ['empty', ''],
  ['longer than 255 characters', 'k'.repeat(256)],
])('a key that is %s is refused, and nothing is added', async (_what, key) => {
  const { id: taskId } = (await makeTask(server)).task;
  const { status, body } = await send(taskId, key);
  expect(status).toBe(400);
  expect(body.error).toMatchObject({
    code: 'KERUTA_ERR_BAD_VALUE',
    message: expect.stringContaining('Idempotency-Key'),
  });
  expect(await messages(taskId)).toEqual([]);
});
