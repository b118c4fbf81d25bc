import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { pause, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { slackMs } from './lab/processes.ts';
import { isFull, tally } from './lab/rounds.ts';
import { heldUp } from './lab/starvation.ts';

/** F-111: clocks that are set while tasks run. The wall clock alone: nobody can set the other one. */
const library = findLibrary();
const leaseMs = 4_000;
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open('clock', [], { KERUTA_LEASE: `${leaseMs}ms` });
});
afterAll(() => lab.close());

/** A clock that programs are started with, and that may be set while they run. */
class WallClock {
  readonly #file: string;

  constructor(name: string) {
    this.#file = lab.place.path(`clock-${name}`);
    this.set('+0');
  }

  /** @param offset  such as `+1d` or `-1d` */
  set(offset: string): void {
    writeFileSync(`${this.#file}.new`, `${offset}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
}

function findLibrary(): string | null {
  for (const root of ['/usr/lib', '/usr/lib64']) {
    const places = existsSync(root)
      ? ['', ...readdirSync(root)].map((name) => join(root, name, 'faketime'))
      : [];
    const found = places.map((place) => join(place, 'libfaketimeMT.so.1')).find((file) => existsSync(file));
    if (found !== undefined) return found;
  }
  return null;
}

/** By how many days the clock of whoever answers there is off, such as `+1d`. */
async function offsetOf(url: string): Promise<string> {
  const { timestamp } = (await (await fetch(url)).json()) as { timestamp: string };
  const days = Math.round((Date.parse(timestamp) - Date.now()) / 86_400_000);
  return days === 0 ? '+0' : `${days > 0 ? '+' : ''}${days}d`;
}

/** That no time of a task runs backwards, and none is a day long. */
function expectSaneTimes(task: TaskWire, longestMs: number): void {
  const at = (instant: string | null) => Date.parse(instant ?? '');
  expect(at(task.finishedAt)).toBeGreaterThanOrEqual(at(task.startedAt));
  expect(task.usage?.durationMs).toBeGreaterThanOrEqual(0);
  expect(task.usage?.durationMs).toBeLessThan(longestMs);
}

const title = `a wall clock that is set${library === null ? ' (needs libfaketime)' : ''}`;

describe.skipIf(library === null)(title, () => {
  test.each(isFull ? ['+1d', '-1d'] : ['-1d'])(
    'F-111: the agent’s, by %s in the middle of a task: no lease is lost, no limit reached, no question closed',
    async (offset) => {
      const session = await lab.place.session(`f111 agent ${offset}`);
      const clock = new WallClock(`agent${offset}`);
      const agent = await lab.agent(session, { env: clock.env });
      const id = await lab.submit(
        session,
        'a=$(keruta ask "go on?" --timeout 60); echo "$a"; sleep 1; exit 6',
        {
          timeoutSeconds: 50,
          noOutputTimeoutSeconds: 40,
        },
      );
      await lab.place.when(id, ({ status }) => status === 'WAITING_FOR_INPUT', 20_000);
      clock.set(offset);
      const { url } = JSON.parse(readFileSync(lab.place.path(`base-${session}`, 'agent.json'), 'utf8'));
      expect(await offsetOf(`${url}/health`)).toBe(offset);
      // longer than a lease, and several looks at what is due
      await pause(1.5 * leaseMs);
      expect((await lab.place.task(id)).status).toBe('WAITING_FOR_INPUT');
      expect(await lab.place.keruta(['task', 'input', id, 'yes'])).toMatchObject({ status: 0 });
      const task = await lab.place.whole(id, 30_000);
      expect(task).toMatchObject({ status: 'FAILED', exitCode: 6, reason: null, attempt: 1, late: false });
      expect(await lab.place.logs(id, 'stdout')).toBe('yes\n');
      expectSaneTimes(task, 60_000);
      tally({ row: 'F-111', rounds: 1, note: `agent ${offset}: ran ${task.usage?.durationMs} ms` });
      await agent.stop('SIGKILL');
    },
  );

  test.each(isFull ? ['+1d', '-1d'] : ['+1d'])(
    'F-111: the agent’s, by %s between its death and its return: the task has its time limit, not less and not more',
    async (offset) => {
      const session = await lab.place.session(`f111 return ${offset}`);
      const clock = new WallClock(`return${offset}`);
      const first = await lab.agent(session, { env: clock.env });
      const up = lab.place.path(`up${offset}`);
      const held = heldUp();
      const id = await lab.submit(session, `: > '${up}'; echo up; sleep 300`, { timeoutSeconds: 10 });
      await until('it runs', async () => (await lab.place.logs(id)) === 'up\n');
      // the kernel's time, which nobody sets
      const startedAt = statSync(up).mtimeMs;
      await pause(3_000);
      await first.stop('SIGKILL');
      clock.set(offset);
      const next = await lab.agent(session, { env: clock.env });
      const task = await lab.place.ended(id, 60_000);
      const tookMs = Date.now() - startedAt;
      expect(task).toMatchObject({ status: 'FAILED', reason: 'timeout', attempt: 1 });
      expect(tookMs).toBeGreaterThan(9_000);
      expect(tookMs).toBeLessThan(10_000 + slackMs + held());
      expectSaneTimes(task, 60_000);
      tally({
        row: 'F-111',
        rounds: 1,
        note: `agent back with ${offset}: limit of 10 s after ${Math.round(tookMs)} ms`,
      });
      await next.stop('SIGKILL');
    },
  );

  test('F-111: the server’s, by a day forward and two back in the middle of a task: no lease is lost, and every time stands in order', async () => {
    const clock = new WallClock('server');
    const own = await Lab.open('clock-server', [], { KERUTA_LEASE: `${leaseMs}ms`, ...clock.env });
    try {
      own.place.env = Object.fromEntries(
        Object.entries(own.place.env).filter(([name]) => !/^(LD_PRELOAD|FAKETIME)/.test(name)),
      );
      const session = await own.place.session('f111 server');
      const agent = await own.agent(session);
      const ledger = await own.ledger(session, { lines: 12_000, pauseSeconds: 0.2 });
      await until('it runs', async () => (await own.place.logs(ledger.id)).length > 500);
      const seen = new Set<string>();
      for (const offset of ['+1d', '-1d']) {
        clock.set(offset);
        const server = `${own.server.url}/api/v1/health`;
        await until(`its clock is ${offset}`, async () => (await offsetOf(server)) === offset);
        for (let look = 0; look < 5; look++) {
          await pause(leaseMs / 4);
          seen.add((await own.place.task(ledger.id)).status);
        }
      }
      expect([...seen]).toEqual(['PROCESSING']);
      const task = await own.check(ledger);
      expect(task.late).toBe(false);
      expectSaneTimes(task, 60_000);
      const next = await own.submit(session, 'echo next');
      expect(await own.place.ended(next, 30_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
      tally({ row: 'F-111', rounds: 1, lines: 24_000, note: 'server +1d, then -1d' });
      await agent.stop('SIGKILL');
    } finally {
      await own.close();
    }
  });
});
