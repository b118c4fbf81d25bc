import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeGithubParts } from '../../../cmd/keruta/roles/github-parts.ts';
import type { SettingValues } from '../../../internal/config/table.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../pkg/http/http.ts';

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString();

function make(more: Readonly<Record<string, string>>) {
  const http = makeHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const none = {
    githubAppId: null,
    githubAppPrivateKey: null,
    githubWebhookSecret: null,
    githubWebhookSecretOld: null,
    publicUrl: null,
  };
  const values = { ...none, githubApiUrl: 'https://api.github.com', ...more } as unknown as SettingValues;
  return makeGithubParts(values, { http, clock: systemClock });
}

test('without settings there is neither secret nor App', async () => {
  expect(await make({})).toEqual({ secrets: [], app: null, publicUrl: null });
});

test('the key of the App is taken as PEM, with escaped line ends, and out of a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-key-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'key.pem');
  writeFileSync(file, pem);
  for (const key of [pem, pem.replaceAll('\n', '\\n'), file]) {
    const { app } = await make({ githubAppId: '4711', githubAppPrivateKey: key });
    expect(app?.appId).toBe('4711');
  }
});

test('half an App, and a key that cannot be read, are refused without showing it', async () => {
  await expect(make({ githubAppId: '4711' })).rejects.toThrow('GITHUB_APP_PRIVATE_KEY is missing');
  const error = await make({ githubAppId: '4711', githubAppPrivateKey: 'pasted-secret' }).catch(
    (thrown) => thrown,
  );
  expect(error.message).toMatch(/expected to hold an RSA private key/);
  expect([error.message, error.stack, String(error.cause)].join()).not.toContain('pasted-secret');
});

test.each([
  [{ githubApiUrl: 'http://git.example.com/api/v3' }, /GITHUB_API_URL was expected to begin with https/],
  [{ githubApiUrl: 'git.example.com' }, /GITHUB_API_URL was expected to be an address/],
  [{ githubAppId: 'the app' }, /GITHUB_APP_ID was expected to be the number of an App/],
  [{ publicUrl: 'keruta.example.com' }, /KERUTA_PUBLIC_URL was expected to be an address/],
])('what is no address and no number is refused: %j', async (more, message) => {
  await expect(make({ githubAppId: '1', githubAppPrivateKey: pem, ...more })).rejects.toThrow(message);
});
