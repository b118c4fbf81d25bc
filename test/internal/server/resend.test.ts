import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimingSource } from '../../../internal/api/claiming-source.ts';
import { makeApiClient } from '../../../internal/api/client/client.ts';
import { abilities } from '../../../internal/api/protocol.ts';
import type { TaskSource } from '../../../internal/api/task-source.ts';
import { streamKey } from '../../../internal/session/append-stream.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { Place } from '../worker/agent-under-test.ts';
import { makeTask } from './claims-client.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let place: Place;
beforeEach(async () => {
  place = new Place();
  server = await startServer();
});
afterEach(async () => {
  await place.remove();
  await server.close();
});

/** The true source of a server, which does something before each final report. */
function sourceOf(sessionId: string, agentId: string, beforeFinish: () => Promise<void>): TaskSource {
  const http = makeHttp({ userAgent: 'test' });
  const client = makeApiClient({
    http,
    baseUrl: server.url,
    token: () => adminToken,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const parts = {
    client,
    random: systemRandom,
    log: silentLog,
    abilities: new Set(abilities),
    sessionId,
    agentId,
  };
  const source = claimingSource({ ...parts, agent: { hostname: 'h', version: '0' } });
  return {
    ...source,
    reporter: (attempt) => {
      const reporter = source.reporter(attempt);
      return {
        ...reporter,
        finish: async (report, signal) => {
          await beforeFinish();
          return reporter.finish(report, signal);
        },
      };
    },
  };
}

/** Puts other bytes in the place of a stream: as many, with a checksum that is true of them. */
async function spoil(taskId: string, stream: 'stdout' | 'stderr'): Promise<void> {
  const { store, blob } = server.parts;
  const attempt = await store.attempt(taskId, 1);
  const { size } = attempt!.streams[stream];
  const key = streamKey(taskId, 1, stream);
  await blob.truncate(key, 0);
  await blob.append(key, 0, new Uint8Array(size));
  await store.transact((tx) => tx.putStream(taskId, 1, stream, { size, crc32: 1, lostBytes: 0 }));
}

const script = 'for i in $(seq 1 200000); do echo "line $i"; done; echo oops >&2; exit 4';
const expected = Array.from({ length: 200_000 }, (_, index) => `line ${index + 1}\n`).join('');

test('an agent whose stdout became other bytes at the server sends all of it anew, and the log is complete', async () => {
  const { session, task } = await makeTask(server, { script });
  let reports = 0;
  const beforeFinish = async () => {
    if (reports++ === 0) await spoil(task.id, 'stdout');
  };
  await place.once(
    { sessionId: session.id },
    { source: (agentId) => sourceOf(session.id, agentId, beforeFinish) },
  );
  expect(reports).toBe(2);
  expect((await server.call('GET', `tasks/${task.id}`)).body).toMatchObject({
    ...{ status: 'FAILED', exitCode: 4, attempt: 1, logComplete: true },
  });
  const stdout = (await server.call('GET', `tasks/${task.id}/logs?format=text&stream=stdout`)).body as string;
  expect(sha256(stdout)).toBe(sha256(expected));
  expect((await server.call('GET', `tasks/${task.id}/logs?format=text&stream=stderr`)).body).toBe('oops\n');
  expect(await resends()).toEqual(['stdout']);
}, 60_000);

test('an agent whose bytes are spoiled each time is not kept at it for ever: the end counts, the log is not complete', async () => {
  const { session, task } = await makeTask(server, { script: 'echo hello; exit 5' });
  let reports = 0;
  const beforeFinish = async () => {
    reports++;
    await spoil(task.id, 'stdout');
  };
  await place.once(
    { sessionId: session.id },
    { source: (agentId) => sourceOf(session.id, agentId, beforeFinish) },
  );
  expect(reports).toBe(2);
  expect((await server.call('GET', `tasks/${task.id}`)).body).toMatchObject({
    ...{ status: 'FAILED', exitCode: 5, attempt: 1, logComplete: false },
  });
  expect(await resends()).toEqual(['stdout']);
});

async function resends(): Promise<unknown[]> {
  const entries = await server.parts.store.audit({ limit: 100, offset: 0 });
  return entries.filter(({ action }) => action === 'stream.resend').map(({ details }) => details.stream);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
