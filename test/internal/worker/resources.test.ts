import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { canLimitMemory, makeMemoryGroup } from '../../fixtures/memory-group.ts';
import { adminToken, startServer, type TestServer } from '../server/start-server.ts';

/** An agent as a process of its own that has little of something, against a real server. */
const program = resolve(import.meta.dirname, 'agent-program.ts');
const mebibyte = 1024 * 1024;
const canLimit = await canLimitMemory();

let root: string;
let server: TestServer;
let agent: ChildProcess | null = null;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'keruta-resources-'));
  server = await startServer();
});
afterEach(async () => {
  agent?.kill('SIGKILL');
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

async function submit(script: string): Promise<string> {
  const session = (await server.call('POST', 'sessions', { name: 'resources' })).body;
  const wish = { sessionId: session.id, name: 't', script, autoFix: false };
  const task = (await server.call('POST', 'tasks', wish)).body;
  sessionId = session.id;
  return task.id;
}
let sessionId: string;

/** Starts the agent in a shell that did something first. @returns its exit status */
function run(first: string): Promise<number | null> {
  const words = [process.execPath, program, root, server.url, adminToken, sessionId, 'local'];
  const child = spawn('bash', ['-c', `${first}; exec "$@"`, 'bash', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  agent = child;
  return new Promise((done) => child.once('close', done));
}
const taskOf = async (id: string) => (await server.call('GET', `tasks/${id}`)).body;

describe('F-06: when memory is short', () => {
  test.skipIf(!canLimit)(
    'the kernel takes the task and not the agent, and `oom` is the reason (needs a control group)',
    async () => {
      const group = makeMemoryGroup(300 * mebibyte);
      onTestFinished(() => group?.remove());
      const id = await submit('echo before; exec tail /dev/zero');
      expect(await run(`${group?.enter}`)).toBe(0);
      expect(await taskOf(id)).toMatchObject({
        status: 'FAILED',
        signal: 'SIGKILL',
        reason: 'oom',
        attempt: 1,
        logComplete: true,
      });
      expect((await server.call('GET', `tasks/${id}/logs?format=text`)).body).toContain('before');
    },
  );

  test.skipIf(!canLimit)(
    'a task that is cancelled is cancelled, whatever the kernel did (needs a control group)',
    async () => {
      const group = makeMemoryGroup(64 * mebibyte);
      onTestFinished(() => group?.remove());
      const id = await submit(
        `(${group?.enter.replace('$$', '$BASHPID')}; exec tail /dev/zero); trap '' TERM; touch $HOME/eaten; while :; do sleep 0.1; done`,
      );
      const exit = run(':');
      await expect.poll(() => existsSync(join(root, 'eaten'))).toBe(true);
      await server.call('POST', `tasks/${id}/cancel`, {});
      expect(await exit).toBe(0);
      expect(await taskOf(id)).toMatchObject({ status: 'CANCELLED', reason: 'cancel', signal: 'SIGKILL' });
    },
  );
});

describe('F-55: an agent that may open 40 files only', () => {
  test('brings its task to the end in one attempt: output, many artifacts, exit code', async () => {
    const id = await submit(
      'seq 1 20000; for i in $(seq 1 60); do echo $i > $KERUTA_ARTIFACTS_DIR/$i.txt; done; exit 5',
    );
    expect(await run('ulimit -n 40')).toBe(0);
    expect(await taskOf(id)).toMatchObject({ status: 'FAILED', exitCode: 5, reason: null, attempt: 1 });
    const text = (await server.call('GET', `tasks/${id}/logs?format=text&stream=stdout`)).body;
    expect(text).toBe(Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join(''));
    expect((await server.call('GET', `tasks/${id}/artifacts`)).body).toHaveLength(60);
  });

  test('goes on, claim included, while somebody opens as many connections to it as he can', async () => {
    const go = join(root, 'go');
    const id = await submit(`while ! test -e ${go}; do echo on; sleep 0.1; done; exit 5`);
    const exit = run('ulimit -n 40');
    const stateFile = join(root, 'base/agent.json');
    const hasOutput = async () => String((await server.call('GET', `tasks/${id}/logs?format=text`)).body);
    await expect.poll(hasOutput, { timeout: 45_000 }).toContain('on');
    const { port } = JSON.parse(readFileSync(stateFile, 'utf8'));
    const held: Socket[] = [];
    const hold = () => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.on('close', () => {
        if (!isOver) hold();
      });
      held.push(socket);
    };
    let isOver = false;
    for (let count = 0; count < 60; count++) hold();
    // a claim that is not renewed in this time is not lost yet, but what is said in it must arrive
    const before = (await hasOutput()).length;
    await expect
      .poll(async () => (await hasOutput()).length, { timeout: 45_000 })
      .toBeGreaterThan(before + 30);
    writeFileSync(go, '');
    expect(await exit).toBe(0);
    isOver = true;
    for (const socket of held) socket.destroy();
    expect(await taskOf(id)).toMatchObject({ status: 'FAILED', exitCode: 5, reason: null, attempt: 1 });
  });
});
