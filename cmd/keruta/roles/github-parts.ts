import { readFileSync } from 'node:fs';
import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { GithubParts } from '../../../internal/session/parts.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { GithubApp } from '../../../pkg/github/app.ts';
import type { Http } from '../../../pkg/http/http.ts';

/**
 * Makes what the server has to do with GitHub, out of its settings.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: half an App, a key that cannot be read, an address that is none
 */
export async function makeGithubParts(
  values: SettingValues,
  { http, clock }: { readonly http: Http; readonly clock: Clock },
): Promise<GithubParts> {
  const { githubWebhookSecret, githubWebhookSecretOld } = values;
  const secrets = [githubWebhookSecret, githubWebhookSecretOld].filter((one) => one !== null);
  const publicUrl = values.publicUrl === null ? null : readUrl('KERUTA_PUBLIC_URL', values.publicUrl);
  return { secrets, app: await makeApp(values, { http, clock }), publicUrl };
}

async function makeApp(
  values: SettingValues,
  { http, clock }: { readonly http: Http; readonly clock: Clock },
): Promise<GithubApp | null> {
  const { githubAppId: appId, githubAppPrivateKey: key, githubApiUrl } = values;
  if (appId === null && key === null) return null;
  if (appId === null || key === null) {
    const missing = appId === null ? 'GITHUB_APP_ID' : 'GITHUB_APP_PRIVATE_KEY';
    throw bad(
      `A GitHub App is set up with both GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY; ${missing} is missing.`,
    );
  }
  if (!/^[\w.-]{1,100}$/.test(appId))
    throw bad(
      `GITHUB_APP_ID was expected to be the number of an App, such as 123456; got ${JSON.stringify(appId.slice(0, 40))}.`,
    );
  const apiUrl = readUrl('GITHUB_API_URL', githubApiUrl);
  const { protocol, hostname } = new URL(apiUrl);
  if (protocol !== 'https:' && !/^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(hostname))
    throw bad(`GITHUB_API_URL was expected to begin with https://, because tokens are sent there.`);
  const { GithubApp } = await import('../../../pkg/github/app.ts');
  const { readAppKey } = await import('../../../pkg/github/app-key.ts');
  try {
    const pem = key.includes('-----BEGIN') ? key : readFileSync(key, 'utf8');
    return new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock });
  } catch {
    // neither message nor cause: a key that was pasted wrongly would stand in it as a path
    throw bad(
      'GITHUB_APP_PRIVATE_KEY was expected to hold an RSA private key in PEM, or the path of a file that does.',
    );
  }
}

/** Without a slash at its end. */
function readUrl(name: string, text: string): string {
  const url = text.replace(/\/+$/, '');
  if (/^https?:\/\//i.test(url) && URL.canParse(url) && new URL(url).username === '') return url;
  throw bad(
    `${name} was expected to be an address such as https://example.com; got ${JSON.stringify(text.slice(0, 100))}.`,
  );
}

function bad(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', message);
}
