import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unsettledRuns } from '../../../internal/worker/adopt.ts';
import { receiptKeptMs, settleRun } from '../../../internal/worker/run-record.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { adminToken, startServer, type TestServer } from '../server/start-server.ts';
import { recordOf } from './records.ts';

const program = resolve(import.meta.dirname, 'agent-program.ts');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keruta-adopt-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('an agent that is killed in mid-run', () => {
  let server: TestServer;
  let agent: ChildProcess | null = null;

  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(async () => {
    agent?.kill('SIGKILL');
    await server.close();
  });

  async function startAgent(sessionId: string): Promise<ChildProcess> {
    agent = spawn(process.execPath, [program, root, server.url, adminToken, sessionId], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return agent;
  }

  const ended = (child: ChildProcess) => new Promise((done) => child.once('close', done));

  test('loses nothing: the next one brings every line and the exit code, in one attempt', async () => {
    const session = (await server.call('POST', 'sessions', { name: 'killed' })).body;
    // it waits at each hundred, so that every agent dies in mid-run however slow the machine is
    const script = `for i in $(seq 1 300); do echo "line $i"
case $i in *00) while [ ! -e "$HOME/go-$i" ]; do sleep 0.02; done ;; esac; done; exit 7`;
    const task = (await server.call('POST', 'tasks', { sessionId: session.id, name: 't', script })).body;
    const text = async () =>
      (await server.call('GET', `tasks/${task.id}/logs?format=text&stream=stdout`)).body;

    for (const lines of [100, 200, 300]) {
      const killed = await startAgent(session.id);
      await expect
        .poll(async () => String(await text()).split('\n').length, { timeout: 60_000 })
        .toBeGreaterThan(lines);
      const isOver = ended(killed);
      killed.kill('SIGKILL');
      await isOver;
      writeFileSync(join(root, `go-${lines}`), '');
    }
    const last = await startAgent(session.id);
    expect(await ended(last)).toBe(0);

    expect(await text()).toBe(Array.from({ length: 300 }, (_, index) => `line ${index + 1}\n`).join(''));
    const after = (await server.call('GET', `tasks/${task.id}`)).body;
    expect(after).toMatchObject({
      status: 'FAILED',
      exitCode: 7,
      signal: null,
      reason: null,
      attempt: 1,
      logComplete: true,
    });
  }, 300_000);
});

describe('unsettledRuns', () => {
  const receipt = {
    version: 1,
    taskId: 't',
    attempt: 1,
    state: 'reported',
    status: 'COMPLETED',
    streams: {},
    artifacts: [],
  } as const;

  test('clears settled runs to the end, and forgets their receipts after a week', () => {
    const clock = new TestClock();
    for (const [name, at] of [
      ['new.1', clock.now()],
      ['old.1', clock.now() - receiptKeptMs - 1],
    ] as const) {
      mkdirSync(join(root, name));
      settleRun(join(root, name), { ...receipt, at });
      writeFileSync(join(root, name, 'stdout'), 'left');
    }
    expect(unsettledRuns(root, clock)).toEqual([]);
    expect(readdirSync(root)).toEqual(['new.1']);
    expect(readdirSync(join(root, 'new.1'))).toEqual(['receipt.json']);
  });

  test('gives the oldest run first, and leaves what it does not know alone for a while', () => {
    const clock = new TestClock(Date.now());
    for (const [name, seconds] of [
      ['b.1', 200],
      ['a.1', 300],
    ] as const) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'task.json'), JSON.stringify(recordOf(name.slice(0, 1))));
      utimesSync(join(root, name), seconds, seconds);
    }
    mkdirSync(join(root, 'stray'));
    expect(unsettledRuns(root, clock).map((record) => record.task.id)).toEqual(['b', 'a']);
    clock.jump(receiptKeptMs + 3_600_000);
    unsettledRuns(root, clock);
    expect(readdirSync(root)).not.toContain('stray');
  });
});
