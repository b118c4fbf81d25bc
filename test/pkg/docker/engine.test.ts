import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineError } from '../../../pkg/docker/ask-engine.ts';
import { containerBody } from '../../../pkg/docker/container-body.ts';
import { Engine } from '../../../pkg/docker/engine.ts';
import { parseEngineAddress } from '../../../pkg/docker/engine-address.ts';
import { usageOf } from '../../../pkg/docker/stats.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

describe('a container engine', () => {
  let directory: string;
  let server: Server;
  let answer: Answer;
  const asked: string[] = [];
  const pong: Answer = (_request, response) => response.setHeader('Api-Version', '1.41').end('OK');
  const engine = () => new Engine(parseEngineAddress(`unix://${directory}/engine.sock`));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'engine-'));
    chmodSync(directory, 0o755);
    asked.length = 0;
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.url === '/_ping') pong(request, response);
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(join(directory, 'engine.sock'), resolve));
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });

  test('is asked in its own version of the API, which is found out once', async () => {
    answer = (_request, response) => response.end('[]');
    const one = engine();
    await one.list('a', 'b');
    await one.list('a', 'b');
    const path = `/v1.41/containers/json?all=1&filters=${encodeURIComponent('{"label":["a=b"]}')}`;
    expect(asked).toEqual(['GET /_ping', `GET ${path}`, `GET ${path}`]);
  });

  test('that refuses is quoted, with address and what was asked', async () => {
    answer = (_request, response) => response.writeHead(500).end('{"message":"no space\\n"}');
    await expect(engine().start('x')).rejects.toMatchObject({
      kind: 'refused',
      status: 500,
      message: `the container engine at unix://${directory}/engine.sock cannot start the container x: no space`,
    });
  });

  test('that is too old, is none, or answers nonsense is told from one that works', async () => {
    answer = (_request, response) => response.end('<html>');
    await expect(engine().inspect('x')).rejects.toThrow('its answer is not one of the API');
    server.removeAllListeners('request');
    server.on('request', (_request, response) => response.setHeader('Api-Version', '1.12').end());
    await expect(engine().version()).rejects.toThrow('its API is 1.12, and 1.40 or newer is needed');
    server.removeAllListeners('request');
    server.on('request', (_request, response) => response.end('hello'));
    await expect(engine().version()).rejects.toThrow('what listens there is no container engine');
  });

  test('that hangs up in the middle is away', async () => {
    answer = (request) => request.socket.destroy();
    await expect(engine().inspect('x')).rejects.toMatchObject({ kind: 'unreachable', status: null });
  });

  test('whose pull fails after it said yes is a failure', async () => {
    answer = (_request, response) =>
      response.end('{"status":"Pulling"}\n{"errorDetail":{},"error":"manifest unknown"}\n');
    await expect(engine().pullImage('a/b')).rejects.toThrow('cannot pull the image a/b: manifest unknown');
    expect(asked[1]).toBe('POST /v1.41/images/create?fromImage=a%2Fb&tag=latest');
  });

  test('whose socket this user may not use says so', async () => {
    chmodSync(join(directory, 'engine.sock'), 0o600);
    const { geteuid, seteuid } = process;
    // root may use every socket
    const wasRoot = geteuid?.() === 0;
    if (wasRoot) seteuid?.('nobody');
    else chmodSync(join(directory, 'engine.sock'), 0);
    try {
      const fault = await engine()
        .version()
        .catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(EngineError);
      expect(fault).toMatchObject({
        kind: 'denied',
        message: expect.stringContaining('may not use the socket'),
      });
    } finally {
      if (wasRoot) seteuid?.('root');
    }
  });

  test('that is not there is away', async () => {
    const away = new Engine(parseEngineAddress(`${directory}/none.sock`));
    await expect(away.version()).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('there is no such socket'),
    });
  });
});

test.each([
  ['unix:///run/docker.sock', { socketPath: '/run/docker.sock', text: 'unix:///run/docker.sock' }],
  ['/run/docker.sock', { socketPath: '/run/docker.sock', text: 'unix:///run/docker.sock' }],
  ['tcp://127.0.0.1:2375', { host: '127.0.0.1', port: 2375, text: 'tcp://127.0.0.1:2375' }],
  ['tcp://[::1]:2375/', { host: '::1', port: 2375, text: 'tcp://[::1]:2375' }],
])('%s is an address of an engine', (text, address) => {
  expect(parseEngineAddress(text)).toEqual(address);
});

test.each(['ssh://me@there', 'tcp://host', 'tcp://host:99999', 'npipe:////./pipe/x', ''])(
  '"%s" is not an address of an engine',
  (text) => {
    expect(() => parseEngineAddress(text)).toThrow('expected unix:///path or tcp://host:port');
  },
);

test('statistics of both kinds of control groups are read, and those of a container that has ended are none', () => {
  const cpu = { cpu_stats: { cpu_usage: { total_usage: 2_500_000 } } };
  const io = [
    { op: 'Read', value: 5 },
    { op: 'write', value: 7 },
    { op: 'Total', value: 12 },
  ];
  const one = { ...cpu, memory_stats: { usage: 100, stats: { total_inactive_file: 30 } } };
  expect(usageOf({ ...one, blkio_stats: { io_service_bytes_recursive: io } })).toEqual({
    memoryBytes: 70,
    cpuMs: 3,
    readBytes: 5,
    writtenBytes: 7,
  });
  const two = { ...cpu, memory_stats: { usage: 100, stats: { inactive_file: 20 } } };
  expect(usageOf(two)).toMatchObject({ memoryBytes: 80, readBytes: null });
  expect(usageOf({ ...cpu, memory_stats: {} })).toBeNull();
});

test('a container is asked for with its limits, without a log of its own, and gains no rights', () => {
  const spec = {
    image: 'i',
    command: ['/bin/sh', '-c', 'x'],
    workingDirectory: '/w',
    user: '1:2',
    labels: { a: 'b' },
    mounts: [{ source: '/a', target: '/b', readOnly: true }],
    network: 'none',
    memoryBytes: 1000,
    cpus: 1.5,
    pidsLimit: 9,
  };
  expect(containerBody(spec)).toMatchObject({
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c', 'x'],
    User: '1:2',
    HostConfig: {
      Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
      NetworkMode: 'none',
      Memory: 1000,
      MemorySwap: 1000,
      NanoCpus: 1_500_000_000,
      PidsLimit: 9,
      LogConfig: { Type: 'none' },
      SecurityOpt: ['no-new-privileges'],
    },
  });
});
