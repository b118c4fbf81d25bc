import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialTo } from './lab/dial.ts';
import { Lab } from './lab/lab.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { heldUp, heldUpFromNow } from './lab/starvation.ts';

/** F. Clients that are slow on purpose. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('slow-clients');
});
afterAll(() => lab.close());

const authorization = () => `Authorization: Bearer ${lab.place.env.KERUTA_API_TOKEN}`;

describe.concurrent('F-64: a client that drips', () => {
  test('headers is cut off', async ({ onTestFinished }) => {
    const { socket, closed } = dialTo(lab.server.port, onTestFinished);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 500);
    const tookMs = await closed;
    clearInterval(drip);
    expect(tookMs).toBeLessThan(isFull ? 15_000 : 20_000);
    tally({ row: 'F-64', rounds: 1, note: `headers: closed after ${tookMs} ms` });
  });

  test('a body is cut off, and 500 idle connections beside it disturb nobody and are closed, too', async ({
    onTestFinished,
  }) => {
    const idle = Array.from({ length: rounds(200, 500) }, () => dialTo(lab.server.port, onTestFinished));
    const { socket, closed } = dialTo(lab.server.port, onTestFinished);
    socket.write(
      `POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n${authorization()}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n`,
    );
    const drip = setInterval(() => socket.write(' '), 500);
    const [before, held, ofServer] = [Date.now(), heldUp(), heldUpFromNow(lab.server.pid)];
    await lab.place.session(`f64 ${before}`);
    expect(Date.now() - before).toBeLessThan(2000 + held() + ofServer());
    const tookMs = await closed;
    clearInterval(drip);
    expect(tookMs).toBeLessThan(isFull ? 15_000 : 20_000);
    const idleMs = Math.max(...(await Promise.all(idle.map((one) => one.closed))));
    expect(idleMs).toBeLessThan(isFull ? 15_000 : 20_000);
    tally({ row: 'F-64', rounds: 1, note: `body: closed after ${tookMs} ms, idle ones after ${idleMs} ms` });
  });
});
