import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pause, until } from '../e2e/place.ts';
import { type Certificates, makeCertificates, TlsProxy } from './lab/certificates.ts';
import { Lab } from './lab/lab.ts';
import { has } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';

/** D. F-48: an API whose certificate is not to be trusted. */
const skip = !has('openssl');
const why = skip ? ' (skipped: no openssl)' : '';
let lab: Lab;
let certificates: Certificates;
beforeAll(async () => {
  lab = await Lab.open('tls');
  if (skip) return;
  mkdirSync(lab.place.path('certificates'));
  certificates = makeCertificates(lab.place.path('certificates'));
});
afterAll(() => lab.close());

/** The ways by which commands and agents speak: the small entry, the client of people, and both by the long way. */
const commands: readonly (readonly string[])[] = [
  ['progress', '10', '--strict'],
  ['session', 'list'],
  ['progress', '10', '--strict', '--verbose'],
  ['task', 'logs', '-f', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'],
];

/** The environment for an API behind a proxy. @param trusted  whether its authority is known */
function envFor(proxy: TlsProxy, trusted: boolean): Record<string, string> {
  return {
    ...lab.place.env,
    KERUTA_API_URL: proxy.url,
    KERUTA_TASK_ID: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
    KERUTA_RETRY_COUNT: '0',
    ...(trusted ? { NODE_EXTRA_CA_CERTS: certificates.authority } : {}),
  };
}

describe.skipIf(skip)(`F-48: a certificate${why}`, () => {
  const bad: readonly [string, Exclude<keyof Certificates, 'authority'>, boolean, RegExp][] = [
    ['that has expired', 'expired', true, /expired/i],
    ['of another host', 'wrongName', true, /altname/i],
    ['that is signed by itself', 'selfSigned', true, /self.signed/i],
    ['of an authority that nobody knows', 'good', false, /unable.to.verify/i],
  ];
  test.for(bad)(
    '%s is refused by commands and agents, and no byte is sent',
    async ([name, which, trusted, says], { onTestFinished }) => {
      const proxy = await TlsProxy.listen(certificates[which], lab.server.port);
      onTestFinished(() => proxy.close());
      // neither by default, nor where the environment asks for less
      const envs = [envFor(proxy, trusted), { ...envFor(proxy, trusted), NODE_TLS_REJECT_UNAUTHORIZED: '0' }];
      for (const env of envs.slice(0, rounds(2, 2))) {
        for (const words of commands) {
          const ended = await lab.place.keruta(words, { env });
          expect(ended.status, `${words}: ${ended.stderr}`).toBe(6);
          expect(ended.stderr).toMatch(says);
        }
      }
      const words = ['daemon', '--session-id', await lab.place.session(`f48 ${name}`), '--port', '0'];
      const env = { ...envFor(proxy, trusted), KERUTA_TASK_ID: '' };
      const agent = lab.place.start(lab.place.executable, [...words, '--base-dir', lab.place.path(which)], {
        env,
      });
      const before = proxy.connections;
      await until('it has tried', () => proxy.connections >= before + 2, 30_000);
      await pause(500);
      expect(agent.stderr()).not.toContain('the agent is ready');
      await agent.stop('SIGKILL');
      expect(proxy.received, 'bytes behind the handshake').toBe(0);
      tally({ row: 'F-48', rounds: 1, note: `${name}: refused, no byte sent` });
    },
  );

  test('of an authority that NODE_EXTRA_CA_CERTS names is accepted by commands and agents', async ({
    onTestFinished,
  }) => {
    const proxy = await TlsProxy.listen(certificates.good, lab.server.port);
    onTestFinished(() => proxy.close());
    const env = envFor(proxy, true);
    expect(await lab.place.keruta(['session', 'list'], { env })).toMatchObject({ status: 0 });
    for (const more of [[], ['--verbose']]) {
      const ended = await lab.place.keruta(['progress', '10', ...more], { env });
      expect(ended, 'it heard the API: there is no such task').toMatchObject({ status: 4 });
    }
    const session = await lab.place.session('f48 good');
    const { KERUTA_TASK_ID: _none, ...agentEnv } = env;
    const agent = await lab.agent(session, { env: agentEnv });
    const lines = 1000;
    const ledger = await lab.ledger(session, { lines });
    await lab.check(ledger);
    tally({ row: 'F-48', rounds: 1, lines: 2 * lines, note: 'known authority: accepted' });
    await agent.stop('SIGKILL');
  });
});
