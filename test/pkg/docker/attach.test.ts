import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Engine } from '../../../pkg/docker/engine.ts';
import { parseEngineAddress } from '../../../pkg/docker/engine-address.ts';

const frame = (stream: number, text: string) => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

describe('the streams of a container', () => {
  let directory: string;
  let server: Server;
  let onUpgrade: (socket: Duplex) => void = () => {};
  const engine = () => new Engine(parseEngineAddress(`unix://${directory}/engine.sock`));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'attach-'));
    server = createServer((request, response) => {
      const status = request.url === '/_ping' ? 200 : 404;
      response.writeHead(status, { 'api-version': '1.41' }).end('{"message":"No such container: x"}');
    });
    server.on('upgrade', (request, socket) => {
      if (request.url?.includes('/missing/') === true) {
        socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
        return;
      }
      socket.write('HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n');
      onUpgrade(socket);
    });
    server.listen(join(directory, 'engine.sock'));
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(directory, { recursive: true, force: true });
  });

  test('are told apart, however their pieces come, and none is read before the last one was taken', async () => {
    onUpgrade = (socket) => {
      const bytes = Buffer.concat([frame(1, 'one'), frame(2, 'two'), frame(1, ''), frame(1, 'thrée')]);
      for (const byte of bytes) socket.write(Buffer.from([byte]));
      socket.end();
    };
    const said: string[] = [];
    let isBusy = false;
    const streams = await engine().attach('x');
    await streams.follow(async (stream, bytes) => {
      expect(isBusy).toBe(false);
      isBusy = true;
      await new Promise((done) => setImmediate(done));
      isBusy = false;
      said.push(`${stream} ${Buffer.from(bytes).toString()}`);
    });
    expect(said).toEqual(['stdout one', 'stderr two', 'stdout ', 'stdout thrée']);
  });

  test('end when the connection breaks in the middle of a piece', async () => {
    onUpgrade = (socket) => {
      socket.write(frame(1, 'whole'));
      socket.write(frame(1, 'torn').subarray(0, 10), () => socket.destroy());
    };
    const said: string[] = [];
    const streams = await engine().attach('x');
    await streams.follow(async (_stream, bytes) => void said.push(Buffer.from(bytes).toString()));
    expect(said).toEqual(['whole']);
  });

  test('of a container that is not there are refused', async () => {
    await expect(engine().attach('missing')).rejects.toMatchObject({ kind: 'refused', status: 404 });
  });

  test('of an engine that is not there cannot be had', async () => {
    const nowhere = new Engine(parseEngineAddress(`unix://${directory}/none.sock`));
    await expect(nowhere.attach('x')).rejects.toMatchObject({ kind: 'unreachable' });
  });
});
