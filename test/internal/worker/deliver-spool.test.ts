import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  countSpooled,
  type SendResult,
  type SpooledRequest,
  spoolRequest,
} from '../../../internal/api/spool.ts';
import { deliverSpool } from '../../../internal/worker/deliver-spool.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';

let directory: string;
let clock: TestClock;
let stop: AbortController;
let sent: string[];
let results: SendResult[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'));
  clock = new TestClock();
  stop = new AbortController();
  [sent, results] = [[], []];
});
afterEach(() => rmSync(directory, { recursive: true }));

const keep = (path: string, at: number, apiUrl = 'http://a') =>
  spoolRequest(directory, { method: 'PUT', apiUrl, path, body: {}, at }, 'x');

function deliver(): Promise<void> {
  const send = async (request: SpooledRequest): Promise<SendResult> => {
    sent.push(request.path);
    return results.shift() ?? 'sent';
  };
  return deliverSpool({ clock, log: silentLog, directory, apiUrl: 'http://a', send }, stop.signal);
}

/** Lets the loop come to its sleep. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

test('the agent delivers what was kept, oldest first, and leaves other addresses alone', async () => {
  keep('/two', 2);
  keep('/one', 1);
  keep('/other', 0, 'http://b');
  const work = deliver();
  await settle();
  expect(sent).toEqual(['/one', '/two']);
  expect(countSpooled(directory)).toBe(1);
  stop.abort();
  await work;
});

test('a request that has to wait stops the round, and is tried again five seconds later', async () => {
  keep('/one', 1);
  keep('/two', 2);
  results = ['later'];
  const work = deliver();
  await settle();
  expect(sent).toEqual(['/one']);
  clock.advance(5_000);
  await settle();
  expect(sent).toEqual(['/one', '/one', '/two']);
  expect(countSpooled(directory)).toBe(0);
  stop.abort();
  await work;
});

test('what the server refuses for good does not hold up the rest', async () => {
  keep('/bad', 1);
  keep('/good', 2);
  results = ['refused'];
  const work = deliver();
  await settle();
  expect(sent).toEqual(['/bad', '/good']);
  expect(countSpooled(directory)).toBe(0);
  stop.abort();
  await work;
});
