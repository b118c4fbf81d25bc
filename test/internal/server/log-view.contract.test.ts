import { expect, onTestFinished, test } from 'vitest';
import { openPostgresBlobStore } from '../../../internal/blob/postgres-blob-store.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { makeTask, openEvents, outputOf } from './claims-client.ts';
import { startServer } from './start-server.ts';

/** More than one row of the table of bytes. */
const sizeBytes = 3 * 1024 * 1024 + 17;
const maxLogViewBytes = 1024 * 1024;

test('PostgreSQL: views, ranges and live readers are cut at the same bytes as those of files', async () => {
  const { url, schema, remove } = await newSchema();
  const where = { url, schema, clock: systemClock, log: silentLog };
  const store = await openPostgresStore(where);
  const blob = await openPostgresBlobStore(where);
  const server = await startServer({ parts: { store, blob, maxLogViewBytes } });
  onTestFinished(async () => {
    await server.close();
    await blob.close();
    await store.close();
    await remove();
  });
  const { task, claim } = await makeTask(server);
  await claim();
  const printed = Array.from({ length: sizeBytes }, (_, at) => String.fromCharCode(97 + (at % 23))).join('');
  const octets = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };
  const path = `tasks/${task.id}/attempts/1/streams/stdout`;
  expect((await server.call('PATCH', path, Buffer.from(printed), octets)).status).toBe(204);

  const log = (query: string, headers = {}) =>
    server.call('GET', `tasks/${task.id}/logs?format=text${query}`, undefined, headers);
  const [head, tail] = [printed.slice(0, maxLogViewBytes / 2), printed.slice(-maxLogViewBytes / 2)];
  const elidedBytes = sizeBytes - maxLogViewBytes;
  expect((await log('')).body === printed).toBe(true);
  const mark = `\n[keruta: ${elidedBytes} bytes of stdout are left out here]\n`;
  expect((await log('&elide=true')).body === head + mark + tail).toBe(true);
  const part = await log('', { range: 'bytes=1048570-2097160' });
  expect(part.status).toBe(206);
  expect(part.body === printed.slice(1_048_570, 2_097_161)).toBe(true);

  const events = await openEvents(server, `tasks/${task.id}/events`);
  const seen = await events.until(
    ({ event, data }) => event === 'output' && data.offset + data.text.length === sizeBytes,
  );
  await events.close();
  expect(outputOf(seen, 'stdout') === head + tail).toBe(true);
  expect(seen.find((each) => each.event === 'elided')?.data).toMatchObject({ elidedBytes });
});
