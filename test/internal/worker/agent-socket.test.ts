import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openAgentSocket, socketPlace } from '../../../internal/worker/agent-socket.ts';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { Place } from './agent-under-test.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const isRoot = process.getuid?.() === 0;

async function open(base = join(place.root, 'base')): Promise<{ socket: string | null; url: string }> {
  const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: true };
  place.start({ localApi, baseDirectory: base });
  await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
  return JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8'));
}
const ask = (socket: string | null, path: string, body?: unknown) =>
  askSocket(socket ?? '', { path, timeoutMs: 5000, ...(body === undefined ? {} : { body }) });

describe('the socket of an agent', () => {
  test('S-14: serves what the address serves, without a token, in a file of its user alone', async () => {
    const { socket } = await open();
    expect(socket).toBe(join(place.root, 'base/agent.sock'));
    expect(lstatSync(socket ?? '').mode & 0o777).toBe(0o600);
    expect(lstatSync(dirname(socket ?? '')).mode & 0o777).toBe(0o700);
    const health = async () => JSON.parse((await ask(socket, '/health')).text);
    await expect.poll(health, { timeout: 40_000 }).toMatchObject({ status: 'healthy' });
    expect(JSON.parse((await ask(socket, '/status')).text)).toMatchObject({ status: 'idle' });
    const metrics = async () => (await ask(socket, '/metrics')).text;
    await expect.poll(metrics, { timeout: 40_000 }).toContain('keruta_agent_healthy 1');
    expect((await ask(socket, '/input', { taskId: 't', input: 'x' })).status).toBe(409);
    expect((await ask(socket, '/nothing')).status).toBe(404);
  });

  test.skipIf(!isRoot)('S-14: another user cannot connect to it (needs root)', async () => {
    const { socket } = await open();
    const script = `require('node:net').connect(process.argv[1]).on('connect', () => console.log('in')).on('error', (e) => console.log(e.code))`;
    const asNobody = () =>
      spawnSync(process.execPath, ['-e', script, socket ?? ''], { uid: 65_534, gid: 65_534, cwd: '/' });
    expect(asNobody().stdout.toString()).toBe('EACCES\n');
    // and not for the directory alone
    for (const directory of [place.root, join(place.root, 'base')]) chmodSync(directory, 0o755);
    expect(asNobody().stdout.toString()).toBe('EACCES\n');
  });

  test('is in a directory of the user below /tmp when the base directory is too far down', async () => {
    const base = join(place.root, 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(dirname(base));
    const { socket } = await open(base);
    expect(socket).toMatch(new RegExp(`^/tmp/keruta-${process.getuid?.()}/agent-[0-9a-f]{16}\\.sock$`));
    expect(lstatSync(dirname(socket ?? '')).mode & 0o777).toBe(0o700);
    // where reads of files are held up, it is unhealthy for a moment
    await expect.poll(async () => (await ask(socket, '/health')).status).toBe(200);
    place.running[0]?.control.stop('leave');
    await place.running[0]?.exit;
    expect(existsSync(socket ?? '')).toBe(false);
  });

  test('is left out, and the agent does its work, when its directory is somebody else’s', async () => {
    const base = join(place.root, 'a'.repeat(60), 'b'.repeat(60));
    const uid = 4_000_000_000 + process.pid;
    const { directory } = socketPlace(base, uid);
    mkdirSync(directory ?? '', { recursive: true });
    onTestFinished(() => rmSync(directory ?? '', { recursive: true }));
    mkdirSync(base, { recursive: true });
    const said: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void said.push(message) };
    const what = { routes: [], maxBodyBytes: 1, onFault: () => {} };
    expect(await openAgentSocket({ log, base, uid }, what)).toBeNull();
    expect(said).toEqual(['the local API has no socket; it is served at its address only']);
  });
});
