import type { SettingRow } from './row.ts';

const server = ['server'] as const;

/** Settings of the GitHub App that a server is. */
export const githubRows = {
  githubAppId: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_GITHUB_APP_ID', 'GITHUB_APP_ID'],
    fileKeys: ['github.app_id'],
    default: null,
    defaultDoc: 'none: no reports, no tokens for private repositories',
    doc: 'number of the GitHub App that this server is',
    roles: server,
  },
  githubAppPrivateKey: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_GITHUB_APP_PRIVATE_KEY', 'GITHUB_APP_PRIVATE_KEY'],
    fileKeys: ['github.app_private_key'],
    default: null,
    doc: 'its private key: PEM, line ends may be written as \\n; or the path of the file that holds it',
    secret: true,
    roles: server,
  },
  githubWebhookSecret: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_GITHUB_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET'],
    fileKeys: ['github.webhook_secret'],
    default: null,
    defaultDoc: 'none: no delivery is taken',
    doc: 'secret of the webhook of GitHub; 32 bytes or more',
    secret: true,
    roles: server,
  },
  githubWebhookSecretOld: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_GITHUB_WEBHOOK_SECRET_OLD', 'GITHUB_WEBHOOK_SECRET_OLD'],
    fileKeys: ['github.webhook_secret_old'],
    default: null,
    doc: 'the one before, valid too while it is being changed',
    secret: true,
    roles: server,
  },
  githubApiUrl: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_GITHUB_API_URL', 'GITHUB_API_URL'],
    fileKeys: ['github.api_url'],
    default: 'https://api.github.com',
    doc: 'address of the API of GitHub; of GitHub Enterprise https://HOST/api/v3',
    roles: server,
  },
} as const satisfies Readonly<Record<string, SettingRow>>;
