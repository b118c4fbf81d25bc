import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { isExposed } from '../../cmd/keruta/transport.ts';
import { cli } from './harness.ts';

test.each([
  ['http://127.0.0.1:8585', false],
  ['http://127.9.9.9', false],
  ['http://localhost:1', false],
  ['http://LOCALHOST', false],
  ['http://[::1]:8585', false],
  ['https://keruta.example', false],
  ['http://keruta.example', true],
  ['http://10.0.0.1:8585', true],
  ['http://127.0.0.1.example.org', true],
  ['http://localhost.example.org', true],
  ['http://0.0.0.0:1', true],
  ['http://[fe80::1]', true],
])('whether %s is open to those on the way: %s', (url, expected) => {
  expect(isExposed(url)).toBe(expected);
});

/** An address of this machine that is none of loopback, with a server that knows nothing. */
async function outerServer(): Promise<string | null> {
  const address = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) return null;
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  onTestFinished(() => void server.close());
  return `http://${address}:${(server.address() as AddressInfo).port}`;
}

test('S-20: an API by plain http beyond this machine is warned of once', async ({ skip }) => {
  const url = await outerServer();
  if (url === null) return skip('this machine has no other address');
  const env = { KERUTA_API_URL: url, KERUTA_API_TOKEN: 'krt_adm_x' };
  const { err } = await cli(['session', 'list'], { env });
  expect(err.match(/is not https: token and output can be read on the way/g)).toHaveLength(1);
  expect(err).toContain(url);
  expect(err).not.toContain('krt_adm_x');
});

test.each([
  ['session', ['session', 'list', '--require-tls']],
  ['agent', ['daemon', '--session-id', 's', '--require-tls', '--port', '0']],
  ['task command', ['progress', '50', '--task-id', 't', '--require-tls']],
])('S-20: with --require-tls no %s talks to it, and no token leaves', async (_what, words) => {
  const env = { KERUTA_API_URL: 'http://keruta.invalid', KERUTA_API_TOKEN: 'krt_adm_x' };
  const { status, err } = await cli(words, { env });
  expect(status).toBe(3);
  expect(err).toContain('http://keruta.invalid is not https');
  expect(err).not.toContain('krt_adm_x');
});

test('S-20: --require-tls says nothing of this machine itself, nor of https', async () => {
  for (const url of ['http://127.0.0.1:1', 'https://127.0.0.1:1']) {
    const env = { KERUTA_API_URL: url, KERUTA_API_TOKEN: 'x', KERUTA_RETRY_COUNT: '0' };
    const { err } = await cli(['session', 'list', '--require-tls'], { env });
    expect(err).not.toContain('is not https');
  }
});
