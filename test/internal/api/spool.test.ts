import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  countSpooled,
  drainSpool,
  maxSpooled,
  type SendResult,
  type SpooledRequest,
  spoolRequest,
  spoolState,
} from '../../../internal/api/spool.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const apiUrl = 'http://127.0.0.1:8585';
const request = (at: number, over: Partial<SpooledRequest> = {}): SpooledRequest => ({
  method: 'PUT',
  apiUrl,
  path: '/api/v1/tasks/t/status',
  body: { progress: at },
  at,
  ...over,
});
const fileName = (at: number) => `${String(at).padStart(15, '0')}-x.json`;

async function drain(results: readonly SendResult[] = [], now = 0) {
  const said: SpooledRequest[] = [];
  const send = async (one: SpooledRequest) => {
    said.push(one);
    return results[said.length - 1] ?? 'sent';
  };
  const { refused, left } = await drainSpool(directory, { apiUrl, now: () => now, send });
  return { said, refused, left };
}

describe('what is kept', () => {
  test('is sent as it was, oldest first, with its key', async () => {
    const kept = [request(10), request(9, { key: 'k' }), request(8, { method: 'POST' })];
    for (const one of kept) spoolRequest(directory, one, 'x');
    expect(spoolState(directory)).toEqual({ waiting: 3, oldestAt: 8, rejected: 0 });
    expect((await drain()).said).toEqual([...kept].reverse());
    expect(countSpooled(directory)).toBe(0);
  });

  test('waits when the API is away, and nothing behind it overtakes it', async () => {
    for (const at of [1, 2, 3]) spoolRequest(directory, request(at), 'x');
    expect(await drain(['sent', 'later'])).toMatchObject({ left: 2 });
    expect((await drain()).said.map(({ at }) => at)).toEqual([2, 3]);
  });

  test('for another API is not sent to this one', async () => {
    spoolRequest(directory, request(1, { apiUrl: 'http://other:1' }), 'x');
    expect(await drain()).toEqual({ said: [], refused: 0, left: 1 });
  });

  test('and refused for good is set aside, and the next one goes on', async () => {
    for (const at of [1, 2]) spoolRequest(directory, request(at), 'x');
    expect(await drain(['refused', 'sent'])).toMatchObject({ refused: 1, left: 0 });
    expect(readdirSync(join(directory, 'rejected'))).toEqual([fileName(1)]);
  });

  test('and was taken by another process a moment ago is left to that one, which may put it back', async () => {
    for (const at of [1, 2]) spoolRequest(directory, request(at), 'x');
    const second = join(directory, fileName(2));
    const send = async (): Promise<SendResult> => {
      renameSync(second, join(directory, `.sending-0-${fileName(2)}`));
      return 'sent';
    };
    const drained = await drainSpool(directory, { apiUrl, now: () => 0, send });
    expect(drained).toMatchObject({ sent: 1, refused: 0 });
    expect(spoolState(directory).rejected).toBe(0);
  });

  test('has an end: the next one is refused, and said to be lost', () => {
    for (let at = 0; at < maxSpooled; at++) writeFileSync(join(directory, fileName(at)), '');
    expect(() => spoolRequest(directory, request(maxSpooled), 'x')).toThrow(
      /10000 requests already wait; the request is lost/,
    );
  }, 120_000);
});

describe('a file in the spool is set aside unread and unsent', () => {
  const text = (over: object) => JSON.stringify({ ...request(1), ...over });
  test.each([
    ['that is cut off', text({}).slice(0, 40)],
    ['that is empty', ''],
    ['that is no object', '[1]'],
    ['whose path would name another host', text({ path: '@evil.example/x' })],
    ['whose path goes to another port', text({ path: '0/x' })],
    ['of another method', text({ method: 'DELETE' })],
    ['without body', text({ body: null })],
    ['whose key is no header', text({ key: 'a\r\nx: y' })],
    ['whose key is a number', text({ key: 1 })],
    ['without time', text({ at: 'now' })],
    ['of more than 4 MiB', text({ body: { x: 'x'.repeat(4 * 1024 * 1024) } })],
  ])('%s', async (_what, content) => {
    writeFileSync(join(directory, fileName(1)), content);
    spoolRequest(directory, request(2), 'x');
    expect((await drain()).said).toEqual([request(2)]);
    expect(readdirSync(join(directory, 'rejected'))).toEqual([fileName(1)]);
  });

  test('that is a FIFO, or a link', async () => {
    execFileSync('mkfifo', [join(directory, fileName(1))]);
    symlinkSync('/etc/passwd', join(directory, fileName(2)));
    expect(await drain()).toEqual({ said: [], refused: 2, left: 0 });
  });
});

describe('a request whose sender died', () => {
  const claimAt = (since: number) =>
    writeFileSync(join(directory, `.sending-${since}-${fileName(1)}`), JSON.stringify(request(1)));

  test.each([
    ['is left alone for a minute', 1_000_000, 1_060_000, 0],
    ['is sent again after it', 1_000_000, 1_060_001, 1],
    ['is sent again when the clock was set back', 9_000_000, 1_000_000, 1],
  ])('%s', async (_what, since, now, count) => {
    claimAt(since);
    expect((await drain([], now)).said).toHaveLength(count);
  });
});
