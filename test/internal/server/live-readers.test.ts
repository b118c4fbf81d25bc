import { expect, onTestFinished, test } from 'vitest';
import { makeTask } from './claims-client.ts';
import { heldBytes } from './held-bytes.ts';
import { head, openRaw } from './raw-http.ts';
import { startServer } from './start-server.ts';

const readers = 200;
const outputBytes = 16 * 1024 * 1024;

test('F-67: 200 readers that never read cost less than 1 MiB each, and are dropped', async () => {
  const server = await startServer({ limits: { stallTimeoutMs: 30_000, maxStreamClients: readers } });
  onTestFinished(() => server.close());
  const { task, claim } = await makeTask(server);
  const { attempt } = await claim();
  const path = `/api/v1/tasks/${task.id}/attempts/${attempt.number}/streams/stdout`;
  const piece = new Uint8Array(4 * 1024 * 1024).fill(0x61);
  for (let offset = 0; offset < outputBytes; offset += piece.length) {
    const headers = { 'upload-offset': String(offset) };
    expect((await server.call('PATCH', path, piece, headers)).status).toBe(204);
  }
  const before = await heldBytes();
  const stalled = await Promise.all(
    Array.from({ length: readers }, async () => {
      const raw = await openRaw(server);
      raw.socket.pause();
      raw.socket.write(`${head('GET', `/api/v1/tasks/${task.id}/events`)}\r\n`);
      return raw;
    }),
  );
  const timeout = 90_000;
  await expect.poll(() => fetchStatus(server.url, task.id), { timeout }).toBe(429);
  expect((await heldBytes()) - before).toBeLessThan(readers * 1024 * 1024);
  // a client that does not read does not hear that it was dropped; its place is free
  await expect.poll(() => fetchStatus(server.url, task.id), { timeout }).toBe(200);
  for (const { socket } of stalled) socket.destroy();
}, 240_000);

async function fetchStatus(url: string, id: string): Promise<number> {
  const stop = new AbortController();
  const headers = { authorization: 'Bearer krt_adm_test-token-of-the-administrator' };
  const { status } = await fetch(`${url}/api/v1/tasks/${id}/events`, { headers, signal: stop.signal });
  stop.abort();
  return status;
}
