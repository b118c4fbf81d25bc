import { readFileSync } from 'node:fs';
import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { GithubParts } from '../../../internal/session/parts.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Http } from '../../../pkg/http/http.ts';

/**
 * Makes what the server has to do with GitHub, out of its settings.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: half an App, or a key that cannot be read
 */
export async function makeGithubParts(
  values: SettingValues,
  { http, clock }: { readonly http: Http; readonly clock: Clock },
): Promise<GithubParts> {
  const { githubAppId: appId, githubAppPrivateKey: key } = values;
  const secrets = [values.githubWebhookSecret, values.githubWebhookSecretOld].filter((one) => one !== null);
  if (appId === null && key === null) return { secrets, app: null };
  if (appId === null || key === null)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'A GitHub App is set up with both GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY; one of them is missing.',
    );
  const { GithubApp } = await import('../../../pkg/github/app.ts');
  const { readAppKey } = await import('../../../pkg/github/app-key.ts');
  try {
    const pem = key.includes('-----BEGIN') ? key : readFileSync(key, 'utf8');
    const apiUrl = values.githubApiUrl.replace(/\/+$/, '');
    return { secrets, app: new GithubApp({ apiUrl, appId, key: readAppKey(pem), http, clock }) };
  } catch {
    // neither message nor cause: a key that was pasted wrongly would stand in it as a path
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'GITHUB_APP_PRIVATE_KEY was expected to hold an RSA private key in PEM, or the path of a file that does.',
    );
  }
}
