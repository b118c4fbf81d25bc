import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { GithubApp } from '../../../pkg/github/app.ts';
import { readAppKey } from '../../../pkg/github/app-key.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { startFakeGithub } from './fake-github.ts';

async function open() {
  const clock = new TestClock();
  const fake = await startFakeGithub(() => clock.now());
  const http = makeHttp({ userAgent: 'test' });
  onTestFinished(async () => {
    await http.close();
    await fake.close();
  });
  const { url: apiUrl, appId, pem } = fake;
  return { fake, clock, app: new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock }) };
}

const read = { contents: 'read' } as const;

describe('a GitHub App', () => {
  test('gets a token for one repository with a proof that GitHub takes', async () => {
    const { app, fake } = await open();
    const { token } = await app.token('acme/site', read);
    expect([token]).toEqual(fake.tokens);
  });

  test('keeps a token until shortly before it ends, one for each repository and purpose', async () => {
    const { app, clock, fake } = await open();
    await app.token('acme/site', read);
    await app.token('acme/site', read);
    expect(fake.tokens).toHaveLength(1);
    await app.token('acme/other', read);
    await app.token('acme/site', { contents: 'write' });
    expect(fake.tokens).toHaveLength(3);
    clock.jump(54 * 60_000);
    await app.token('acme/site', read);
    expect(fake.tokens).toHaveLength(3);
    clock.jump(2 * 60_000);
    await app.token('acme/site', read);
    expect(fake.tokens).toHaveLength(4);
  });

  test('asks for a token once, however many want it at the same time', async () => {
    const { app, fake } = await open();
    await Promise.all([1, 2, 3].map(() => app.token('acme/site', read)));
    expect(fake.tokens).toHaveLength(1);
  });

  test('lists the files of a comparison, and says when there may be more', async () => {
    const { app, fake } = await open();
    const range = { base: 'a'.repeat(40), head: 'b'.repeat(40) };
    fake.files = ['a.ts', 'b.ts'];
    expect(await app.changedFiles('acme/site', range)).toEqual({ files: ['a.ts', 'b.ts'], isComplete: true });
    fake.files = Array.from({ length: 3000 }, (_, n) => `f${n}`);
    expect(await app.changedFiles('acme/site', range)).toMatchObject({ isComplete: false });
  });

  test('lists all pages of the files of a pull request', async () => {
    const { app, fake } = await open();
    fake.files = Array.from({ length: 250 }, (_, n) => `f${n}`);
    const { files, isComplete } = await app.pullFiles('acme/site', 7);
    expect([files.length, isComplete]).toEqual([250, true]);
  });

  test('sets states and writes comments', async () => {
    const { app, fake } = await open();
    const status = {
      state: 'success',
      context: 'w',
      description: 'x'.repeat(200),
      targetUrl: 'http://s/t',
    } as const;
    await app.setStatus('acme/site', 'c'.repeat(40), status);
    await app.comment('acme/site', 7, 'done');
    expect(fake.statuses).toMatchObject([
      { state: 'success', target_url: 'http://s/t', description: 'x'.repeat(140) },
    ]);
    expect(fake.comments).toEqual([{ at: '/repos/acme/site/issues/7/comments', body: 'done' }]);
  });

  test.each([
    [500, true],
    [429, true],
    [404, false],
    [401, false],
  ])('tells a fault that passes from one that stays: %i', async (fault, isPassing) => {
    const { app, fake } = await open();
    fake.fault = fault;
    await expect(app.token('acme/site', read)).rejects.toMatchObject({ status: fault, isPassing });
    fake.fault = 0;
    await expect(app.token('acme/site', read)).resolves.toBeDefined();
  });

  test('names no token in what it throws', async () => {
    const { app, fake } = await open();
    const { token } = await app.token('acme/site', { issues: 'write', pull_requests: 'write' });
    fake.fault = 403;
    const error = await app.comment('acme/site', 7, 'x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify([String(error), error])).not.toContain(token);
  });
});

describe('the key of an App', () => {
  test('is read with its line ends escaped too', async () => {
    const { pem } = (await open()).fake;
    expect(readAppKey(pem.replaceAll('\n', '\\n')).equals(readAppKey(pem))).toBe(true);
  });

  test.each([
    '',
    'secret text',
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  ])('is refused when it is no RSA key, without being shown', (text) => {
    expect(() => readAppKey(text)).toThrow(/^expected an RSA private key in PEM/);
  });
});
