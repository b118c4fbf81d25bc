/** An engine that is away, for a while or for good; it is asked through something that can be cut. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { containerName } from '../../../internal/executor/docker/container-name.ts';
import { parseEngineAddress } from '../../../pkg/docker/engine-address.ts';
import { dockerPlace, engineHost } from './docker-engine.ts';
import { endOf, outputOf, until } from './executor-contract.ts';

describe.skipIf(engineHost === null)('a run whose engine goes away', () => {
  const place = () => dockerPlace({ address: parseEngineAddress(join(base, 'wire.sock')) });
  let base: string;
  let here: ReturnType<typeof dockerPlace>;
  let wire: Server | null = null;
  const sockets = new Set<Socket>();

  const mend = async () => {
    const real = (engineHost ?? '').replace('unix://', '');
    wire = createServer((client) => {
      const engine = connect(real);
      for (const socket of [client, engine]) {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      }
      client.pipe(engine).pipe(client);
    });
    await new Promise<void>((resolve) => wire?.listen(join(base, 'wire.sock'), resolve));
  };
  const cut = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => wire?.close(resolve));
    wire = null;
  };
  beforeEach(async () => {
    base = mkdtempSync('/tmp/engine-wire-');
    here = place();
    await mend();
  });
  afterEach(async () => {
    if (wire !== null) await cut();
    await here.dispose();
    rmSync(base, { recursive: true, force: true });
  });
  const specOf = (script: string) => ({
    directory: join(here.base, 'runs', 'task.1'),
    runId: `run-${here.base}`,
    script,
    workingDirectory: here.base,
    env: { PATH: '/usr/bin:/bin' },
    input: 'wait' as const,
  });

  test('goes on: output, input, end and another agent need no engine', async () => {
    const run = await here.makeExecutor().start(specOf('echo up; read x; echo "got $x"; exit 7'));
    await until(async () => (await run.size('stdout')) > 0);
    await cut();
    const found = await here.makeExecutor().attach(specOf('').directory);
    if (found === null) throw new Error('not found');
    expect(await found.ended()).toBeNull();
    expect((await found.processes()).length).toBeGreaterThan(0);
    expect(await found.write('it\n')).toBe(true);
    expect(await endOf(found)).toMatchObject({ exitCode: 7, shimLost: false });
    expect((await outputOf(found)).toString()).toBe('up\ngot it\n');
    expect((await found.usage()).cpuMs).not.toBeNull();
  });

  test('can be ended, and its container is removed when the engine is back', async () => {
    const run = await here.makeExecutor().start(specOf('trap "" TERM; echo up; while :; do sleep 1; done'));
    await until(async () => (await run.size('stdout')) > 0);
    await cut();
    await run.interrupt();
    expect(await run.kill()).toBeGreaterThan(0);
    expect(await run.processes()).toEqual([]);
    expect(await endOf(run)).toMatchObject({ signal: 'SIGKILL', oomKilled: false });
    rmSync(join(base, 'wire.sock'), { force: true });
    await mend();
    const next = here.makeExecutor();
    const found = await next.attach(run.directory);
    expect(await found?.drained()).toBe(true);
    await next.close();
    expect(await here.engine.inspect(containerName(run.directory))).toBeNull();
  });

  test('a container that ends meanwhile is found out when the engine is back', async () => {
    const run = await here.makeExecutor().start(specOf('echo up; sleep 300'));
    await until(async () => (await run.size('stdout')) > 0);
    await cut();
    const docker = ['-H', engineHost ?? '', 'rm', '-f', containerName(run.directory)];
    expect(spawnSync('/usr/bin/docker', docker).status).toBe(0);
    expect(await run.ended()).toBeNull();
    rmSync(join(base, 'wire.sock'), { force: true });
    await mend();
    expect(await endOf(run)).toMatchObject({ exitCode: null, shimLost: true });
  });

  test('before it began is refused, and the message says where the engine was looked for', async () => {
    await cut();
    const start = here.makeExecutor().start(specOf('exit 0'));
    await expect(start).rejects.toMatchObject({
      code: 'KERUTA_ERR_ENGINE_UNAVAILABLE',
      message: expect.stringContaining(`unix://${base}/wire.sock`),
    });
  });
});
