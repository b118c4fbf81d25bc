import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadAccess } from '../../../pkg/kubernetes/load-access.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kubernetes-access-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');
const write = (user: object, cluster: object = {}) => {
  const file = join(home, 'config');
  const config = {
    'current-context': 'one',
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'mine' } },
      { name: 'two', context: { cluster: 'c' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://here:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
};
const load = (kubeconfig: string | null, context: string | null = null, env = {}) =>
  loadAccess({ kubeconfig, context, env: { HOME: home, ...env }, accountDirectory: join(home, 'account') });

test('a kubeconfig gives server, certificates and token, from itself or from files beside it', () => {
  const data = { 'client-certificate-data': base64('CERT'), 'client-key': 'key.pem', tokenFile: 'token' };
  writeFileSync(join(home, 'key.pem'), 'KEY');
  writeFileSync(join(home, 'token'), 'first\n');
  const file = write(data, { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' });
  const access = load(file);
  expect(access).toMatchObject({
    server: 'https://here:6443',
    namespace: 'mine',
    tls: { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'kubernetes' },
  });
  expect(access.token()).toBe('first');
  writeFileSync(join(home, 'token'), 'renewed\n');
  expect(access.token()).toBe('renewed');
});

test('another context is taken when it is named, and has no user when it names none', () => {
  const access = load(write({ token: 'x' }), 'two');
  expect([access.namespace, access.token(), access.tls]).toEqual(['default', null, {}]);
});

test.each([
  [{ exec: { command: 'aws' } }, {}, 'has "exec" in its context one'],
  [{ 'auth-provider': {} }, {}, 'has "auth-provider"'],
  [{}, { 'insecure-skip-tls-verify': true }, 'has "insecure-skip-tls-verify"'],
  [{}, { server: 'ftp://here' }, 'clusters.0.cluster.server'],
  [{ 'client-key': 'gone.pem' }, {}, 'names the file gone.pem, which cannot be read'],
])('what is not done, or not there, is named: %j %j', (user, cluster, said) => {
  expect(() => load(write(user, cluster))).toThrow(said);
});

test('a context, a file or YAML that is not there is named', () => {
  expect(() => load(write({}), 'three')).toThrow('has no context "three"');
  expect(() => load(join(home, 'nothing'))).toThrow('nothing cannot be read');
  writeFileSync(join(home, 'bad'), 'a: [');
  expect(() => load(join(home, 'bad'))).toThrow('is no YAML: line 1');
  expect(() => load(null)).toThrow(`no file ${join(home, '.kube/config')}`);
});

test('a pod takes its own account, whose token is renewed, unless a kubeconfig is named', () => {
  mkdirSync(join(home, 'account'));
  writeFileSync(join(home, 'account', 'token'), 'of the pod');
  writeFileSync(join(home, 'account', 'namespace'), 'of-the-pod');
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const access = load(null, null, env);
  expect([access.server, access.namespace, access.token()]).toEqual([
    'https://[fd00::1]:443',
    'of-the-pod',
    'of the pod',
  ]);
  expect(load(write({ token: 'x' }), null, env).server).toBe('https://here:6443');
});
