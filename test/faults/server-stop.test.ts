import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { makePlace, until } from '../e2e/place.ts';
import { dialTo } from './lab/dial.ts';
import {
  applyFiring,
  askEmbedded,
  checkRecord,
  decided,
  everySeconds,
  expectedInstants,
  type FiringPlan,
  firingEnv,
  sendAll,
} from './lab/firing.ts';
import { faultyExecutable } from './lab/lab.ts';
import { livePieces } from './lab/reader.ts';
import { chance, seed, tally } from './lab/rounds.ts';
import { callOnce } from './lab/speaker.ts';
import { heldUp, heldUpFromNow } from './lab/starvation.ts';

/** F. A server that is told to stop. */
test('F-63: SIGTERM with requests under way: each gets its answer or none, and no task is half there', async () => {
  const place = makePlace('server-term', faultyExecutable);
  onTestFinished(() => place.close());
  const server = await place.server();
  const session = await place.session('f63');
  const acknowledged: string[] = [];
  let [over, failed] = [false, 0];
  const client = async () => {
    while (!over) {
      const id = await place.submit(session, 'true').catch(() => null);
      if (id === null) failed += 1;
      else acknowledged.push(id);
      if (id === null) return;
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await until('they are answered', () => acknowledged.length > 10);
  const before = Date.now();
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const tookMs = Date.now() - before;
  over = true;
  await clients;
  expect(tookMs).toBeLessThan(10_000);
  await place.server([], { port: server.port });
  for (const id of acknowledged) expect(await place.task(id)).toMatchObject({ status: 'PENDING' });
  expect(acknowledged.length).toBeGreaterThan(10);
  expect(failed).toBeGreaterThan(0);
  tally({ row: 'F-63', rounds: 1, note: `${acknowledged.length} acknowledged; ended after ${tookMs} ms` });
});

test('F-63: SIGTERM while triggers fall due, deliveries come, a reader follows and an agent works: ends within ten seconds, and the next start leaves out and repeats nothing', async () => {
  const place = makePlace('server-term-firing', faultyExecutable);
  onTestFinished(() => place.close());
  const start = (port = 0) => place.server([], { port, env: { ...place.env, ...firingEnv } });
  let server = await start();
  const plan: FiringPlan = {
    ...{ timed: 20, gridsMs: [1_000], deliveries: 200, overMs: 8_000, isPaused: false, leastFaults: 0 },
    trigger: everySeconds,
  };
  const ask = askEmbedded(place);
  const session = await place.session('f63');
  await place.daemon(session);
  const go = place.path('go');
  const script = `echo one; while [ ! -e ${go} ]; do sleep 0.05; done; echo two; exit 9`;
  const running = await place.submit(session, script);
  let seen = '';
  const follow = async () => {
    for await (const { text } of livePieces(place, running)) seen += text;
  };
  const reader = follow().catch(() => {});
  await until('the reader sees it', () => seen === 'one\n', 60_000);
  await applyFiring(place, plan);
  const sending = sendAll({ plan, random: chance(seed), url: () => server.url });
  const delivered = () => Number(ask("SELECT count(*) FROM occurrences WHERE source = 'webhook'")[0]?.[0]);
  await until('both come', () => decided(ask, Date.now()) > plan.timed && delivered() > 20, 60_000);
  const [before, held, ofServer] = [Date.now(), heldUp(), heldUpFromNow(server.pid)];
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0, signal: null });
  const tookMs = Date.now() - before;
  expect(tookMs).toBeLessThan(10_000 + held() + ofServer());
  await reader;
  expect(delivered(), 'some were still to come').toBeLessThan(plan.deliveries);
  // something falls due while nobody is there
  const away = Math.floor(Date.now() / 1_000);
  await until('a second begins', () => Math.floor(Date.now() / 1_000) > away);
  server = await start(server.port);
  const { answers, tries } = await sending;
  place.file('go', '');
  expect(await place.whole(running, 60_000)).toMatchObject({ status: 'FAILED', exitCode: 9, attempt: 1 });
  expect(await place.logs(running)).toBe('one\ntwo\n');
  const now = Date.now();
  await until('all is decided', () => decided(ask, now) >= expectedInstants(ask, plan, now), 60_000);
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const { instants } = checkRecord(ask, { plan, until: now, answers });
  const note = `${instants} instants, ${answers.size} deliveries in ${tries} tries; ended after ${tookMs} ms`;
  tally({ row: 'F-63', rounds: 1, note });
});

test('F-63: SIGTERM with bodies half here and a reader of live events: ended within ten seconds, and all of it goes on', async () => {
  const place = makePlace('server-term-bodies', faultyExecutable);
  onTestFinished(() => place.close());
  const server = await place.server();
  const session = await place.session('f63 bodies');
  const task = await place.submit(session, 'true');
  const claim = { agentId: 'agent', claimId: 'claim', waitMs: 1000 };
  await place.api('POST', `/sessions/${session}/claim`, claim);
  const [file, output] = [randomBytes(3_000_000), Buffer.from('a line of output\n'.repeat(100_000))];
  const sha256 = createHash('sha256').update(file).digest('hex');
  const wish = { attempt: 1, path: 'file', size: file.length, sha256 };
  const uploads = `/tasks/${task}/artifacts/uploads`;
  const { uploadId } = await place.api<{ uploadId: string }>('POST', uploads, wish);
  const upload = { path: `/api/v1${uploads}/${uploadId}`, bytes: file, done: 201 };
  const stdout = { path: `/api/v1/tasks/${task}/attempts/1/streams/stdout`, bytes: output, done: 204 };
  /** Bytes of the largest file of the server that has this in its path: what it says of itself it says behind a body. */
  const resting = (part: string) =>
    readdirSync(place.path('server'), { recursive: true, withFileTypes: true })
      .map((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : ''))
      .filter((path) => path.includes(part))
      .reduce((most, path) => Math.max(most, statSync(path).size), 0);
  const offsetOf = async (path: string) => (await callOnce(place, 'HEAD', path)).offset;
  const first = { bytes: output.subarray(0, 1700), headers: { 'upload-offset': '0' } };
  expect((await callOnce(place, 'PATCH', stdout.path, first)).status).toBe(204);
  let live = '';
  const reading = (async () => {
    for await (const { text } of livePieces(place, task)) live += text;
  })().catch(() => {});

  // of each body half comes, and the other half does not
  for (const { path, bytes } of [upload, stdout]) {
    const from = await offsetOf(path);
    const lines = [
      ...[`PATCH ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${place.env.KERUTA_API_TOKEN}`],
      ...['Content-Type: application/octet-stream', `Upload-Offset: ${from}`],
      `Content-Length: ${bytes.length - from}`,
    ];
    const { socket } = dialTo(server.port);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(bytes.subarray(from, bytes.length / 2));
  }
  const isHere = () => resting('artifacts') > 100_000 && resting('stdout') > 100_000 && live !== '';
  await until('half of each body is here', isHere);

  const [before, held, ofServer] = [Date.now(), heldUp(), heldUpFromNow(server.pid)];
  expect(await server.stop('SIGTERM')).toMatchObject({ status: 0 });
  const tookMs = Date.now() - before;
  await reading;
  expect(tookMs).toBeLessThan(10_000 + held() + ofServer());
  expect(output.toString().startsWith(live)).toBe(true);

  await place.server([], { port: server.port });
  for (const { path, bytes, done } of [upload, stdout]) {
    const from = await offsetOf(path);
    expect(from).toBeGreaterThan(100_000);
    expect(from).toBeLessThanOrEqual(bytes.length / 2);
    const call = { bytes: bytes.subarray(from), headers: { 'upload-offset': String(from) } };
    expect((await callOnce(place, 'PATCH', path, call)).status).toBe(done);
  }
  const at = new Date(0).toISOString();
  await place.api('POST', `/tasks/${task}/attempts/1/finish`, {
    ...{ exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at, controlSeq: 0, usage: null },
    streams: { stdout: { size: output.length, crc32: crc32(output) }, stderr: { size: 0, crc32: 0 } },
    artifacts: [{ path: 'file', sha256 }],
  });
  expect(await place.logs(task, 'stdout')).toBe(output.toString());
  expect(await place.artifacts(task)).toMatchObject([{ path: 'file', size: file.length, sha256 }]);
  let again = '';
  for await (const { text } of livePieces(place, task)) again += text;
  expect(again).toBe(output.toString());
  expect(await place.task(task)).toMatchObject({ status: 'COMPLETED', logComplete: true, attempt: 1 });
  tally({ row: 'F-63', rounds: 1, note: `two bodies half here, a live reader; ended after ${tookMs} ms` });
});
