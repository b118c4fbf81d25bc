import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeHttp } from '../../../pkg/http/http.ts';
import { HttpDeniedError } from '../../../pkg/http/http-errors.ts';
import { specialAddress } from '../../../pkg/outbound/address.ts';
import { makeGuard, type Resolve } from '../../../pkg/outbound/guard.ts';

describe('an address', () => {
  test.each([
    ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.1.1', '198.18.0.1'],
    ...['224.0.0.1', '255.255.255.255', '::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1'],
    ...['fe80::1%eth0', 'fec0::1', 'ff02::1', 'example.com', ''],
  ])('%s is not of the open internet', (address) => {
    expect(specialAddress(address)).toEqual(expect.any(String));
  });

  test.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '172.32.0.1', '192.167.1.1', '2606:4700::1111'])(
    '%s is',
    (address) => {
      expect(specialAddress(address)).toBeNull();
    },
  );
});

/** A listener on all of this machine that nobody may reach, and how often somebody did. */
async function canary() {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { readonly port: number }).port, calls: () => calls };
}

const to = (...addresses: readonly string[]): Resolve => {
  let at = 0;
  return (_name, done) => {
    const address = addresses[Math.min(at++, addresses.length - 1)] ?? '';
    done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
  };
};

async function ask(host: string, port: number, guard = makeGuard([])) {
  const http = makeHttp({ userAgent: 'test', guard, connectMs: 500, headersMs: 500 });
  onTestFinished(() => http.close());
  return http.request({ method: 'POST', url: `http://${host}:${port}/`, body: 'x' }).then(
    () => null,
    (error: unknown) => error,
  );
}

describe('S-47: a request with a guard', () => {
  test.each([
    ...['127.1', '0x7f.1', '2130706433', '017700000001', '①②⑦.0.0.1', '0', '[::]', '[::1]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', 'localhost', 'localhost.', 'LOCALHOST', 'a.localhost'],
    ...['169.254.169.254', '[fd00:ec2::254]', 'metadata.google.internal', '10.0.0.1'],
  ])('sends nothing to %s', async (host) => {
    const { port, calls } = await canary();
    expect(await ask(host, port)).toBeInstanceOf(HttpDeniedError);
    expect(calls()).toBe(0);
  });

  test.each(['127.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1', '10.1.2.3'])(
    'sends nothing to a name that leads to %s, and does not tell where it leads',
    async (address) => {
      const { port, calls } = await canary();
      const error = await ask('hook.example.com', port, makeGuard([], to(address)));
      expect(error).toBeInstanceOf(HttpDeniedError);
      expect((error as Error).message).not.toContain(address);
      expect(calls()).toBe(0);
    },
  );

  test('looks a name up once for a connection, which goes to what was looked at, and anew for the next', async () => {
    const { port, calls } = await canary();
    let lookups = 0;
    const answers = ['127.0.0.1', '10.0.0.1'];
    const rebinding: Resolve = (_name, done) =>
      done(null, [{ address: answers[lookups++] ?? '127.0.0.1', family: 4 }]);
    const guard = makeGuard(['127.0.0.1'], rebinding);
    expect(await ask('rebind.example.com', port, guard)).not.toBeInstanceOf(HttpDeniedError);
    expect([lookups, calls()]).toEqual([1, 1]);
    expect(await ask('rebind.example.com', port, guard)).toBeInstanceOf(HttpDeniedError);
    expect([lookups, calls()]).toEqual([2, 1]);
  });

  test('refuses a name of which one address of several leads inside', async () => {
    const { port, calls } = await canary();
    const both: Resolve = (_name, done) =>
      done(null, [
        { address: '1.1.1.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    expect(await ask('both.example.com', port, makeGuard([], both))).toBeInstanceOf(HttpDeniedError);
    expect(calls()).toBe(0);
  });

  test.each([
    ['127.0.0.1', ['127.0.0.1']],
    ['127.0.0.1', ['127.0.0.0/8']],
    ['[::1]', ['::1']],
    ['hook.example.com', ['HOOK.example.com.']],
    ['hook.example.com', ['127.0.0.0/8']],
  ])('goes to %s when %j is allowed', async (host, allow) => {
    const { port, calls } = await canary();
    const guard = makeGuard(allow, to('127.0.0.1'));
    expect(await ask(host, port, guard)).not.toBeInstanceOf(HttpDeniedError);
    expect(calls()).toBe(1);
  });

  test.each(['10.0.0.0/33', '10.0.0.0/x', 'http://a', 'a b', '', 'a/8', '10.0.0.0/8/8'])(
    'is not told to allow %j',
    (entry) => {
      expect(() => makeGuard([entry])).toThrow(RangeError);
    },
  );
});
