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
const site = { fullName: 'acme/site', id: null };

describe('a GitHub App', () => {
  test('gets a token for one repository with a proof that GitHub takes', async () => {
    const { app, fake } = await open();
    const { token } = await app.token(site, read);
    expect([token]).toEqual(fake.tokens);
  });

  test('keeps a token until shortly before it ends, one for each repository and purpose', async () => {
    const { app, clock, fake } = await open();
    await app.token(site, read);
    await app.token(site, read);
    expect(fake.tokens).toHaveLength(1);
    await app.token({ fullName: 'acme/other', id: null }, read);
    await app.token(site, { contents: 'write' });
    expect(fake.tokens).toHaveLength(3);
    clock.jump(44 * 60_000);
    await app.token(site, read);
    expect(fake.tokens).toHaveLength(3);
    clock.jump(2 * 60_000);
    await app.token(site, read);
    expect(fake.tokens).toHaveLength(4);
  });

  test('asks for a token once, however many want it at the same time', async () => {
    const { app, fake } = await open();
    await Promise.all([1, 2, 3].map(() => app.token(site, read)));
    expect(fake.tokens).toHaveLength(1);
  });

  test('lists the files of a comparison, and says when there may be more', async () => {
    const { app, fake } = await open();
    const range = { base: 'a'.repeat(40), head: 'b'.repeat(40) };
    fake.files = ['a.ts', 'b.ts'];
    expect(await app.changedFiles(site, range)).toEqual({ files: ['a.ts', 'b.ts'], isComplete: true });
    fake.files = Array.from({ length: 3000 }, (_, n) => `f${n}`);
    expect(await app.changedFiles(site, range)).toMatchObject({ isComplete: false });
  });

  test('lists all pages of the files of a pull request', async () => {
    const { app, fake } = await open();
    fake.files = Array.from({ length: 250 }, (_, n) => `f${n}`);
    const { files, isComplete } = await app.pullFiles(site, 7);
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
    await app.setStatus(site, 'c'.repeat(40), status);
    await app.comment(site, { number: 7, isPull: true }, 'done');
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
    await expect(app.token(site, read)).rejects.toMatchObject({ status: fault, isPassing });
    fake.fault = 0;
    await expect(app.token(site, read)).resolves.toBeDefined();
  });

  test.each([
    [
      'the first limit',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1060' } },
      60_000,
    ],
    ['the second limit', { status: 403, headers: { 'retry-after': '30' } }, 30_000],
    ['too many at once', { status: 429, headers: { 'retry-after': '7' } }, 7_000],
    ['a limit in words', { status: 403, message: 'You have exceeded a secondary rate limit' }, null],
  ])('tells how long to wait: %s', async (_title, fault, retryAfterMs) => {
    const { app, fake, clock } = await open();
    clock.jump(1_000_000 - clock.now());
    fake.faults.push({ ...fault, at: '/statuses/' });
    const status = { state: 'success', context: 'w', description: '', targetUrl: null } as const;
    const sent = app.setStatus(site, 'c'.repeat(40), status);
    await expect(sent).rejects.toMatchObject({ isRateLimit: true, isPassing: true, retryAfterMs });
  });

  test('repeats what GitHub says about a refusal', async () => {
    const { app, fake } = await open();
    fake.faults.push({
      status: 422,
      message: 'The permissions requested are not granted to this installation.',
    });
    await expect(app.token(site, read)).rejects.toThrow(/answered 422, The permissions requested/);
  });

  test('finds a repository that was renamed, by its number, and follows no redirect to another server', async () => {
    const { app, fake } = await open();
    fake.renamed.set('acme/site', 186853002);
    const named = { fullName: 'acme/site', id: 186853002 };
    await app.comment(named, { number: 7, isPull: true }, 'done');
    expect(fake.comments).toEqual([{ at: '/repositories/186853002/issues/7/comments', body: 'done' }]);
    fake.faults.push({ status: 307, headers: { location: 'http://127.0.0.1:1/x' } });
    await expect(app.comment(named, { number: 7, isPull: true }, 'x')).rejects.toMatchObject({ status: 307 });
  });

  test('finds a comment by what is in it', async () => {
    const { app, fake } = await open();
    const at = { number: 7, isPull: false };
    for (let n = 0; n < 120; n++)
      fake.comments.push({ at: '/repos/acme/site/issues/7/comments', body: `n${n}` });
    expect(await app.hasComment(site, at, { text: 'n119', since: 0 })).toBe(true);
    expect(await app.hasComment(site, at, { text: 'n120', since: 0 })).toBe(false);
  });

  test('names the host that its tokens are for', async () => {
    const { fake, app } = await open();
    const at = (apiUrl: string) => {
      const key = readAppKey(fake.pem);
      return new GithubApp({
        apiUrl,
        appId: '1',
        key,
        http: makeHttp({ userAgent: 'x' }),
        clock: new TestClock(),
      });
    };
    expect(app.host).toBe('127.0.0.1');
    expect(at('https://api.github.com').host).toBe('github.com');
    expect(at('https://git.example.com/api/v3').host).toBe('git.example.com');
  });

  test('names no token in what it throws', async () => {
    const { app, fake } = await open();
    const { token } = await app.token(site, { issues: 'write' });
    fake.fault = 403;
    const error = await app
      .comment(site, { number: 7, isPull: false }, 'x')
      .catch((thrown: unknown) => thrown);
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
