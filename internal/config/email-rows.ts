import type { SettingRow } from './row.ts';

const server = ['server'] as const;

/** Settings of the mail account that triggers of type email read. */
export const emailRows = {
  imapServer: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_IMAP_SERVER', 'IMAP_SERVER'],
    fileKeys: ['email.imap_server'],
    default: null,
    defaultDoc: 'none: email triggers do not fire',
    doc: 'mail server that email triggers read: host or host:port, encrypted; imap://host:port on this machine only',
    roles: server,
  },
  emailUser: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_EMAIL_USER', 'EMAIL_USER'],
    fileKeys: ['email.user'],
    default: null,
    doc: 'user of the mail account',
    roles: server,
  },
  emailPassword: {
    kind: 'string',
    flag: null,
    variables: ['KERUTA_EMAIL_PASSWORD', 'EMAIL_PASSWORD'],
    fileKeys: ['email.password'],
    default: null,
    doc: 'password of the mail account',
    secret: true,
    roles: server,
  },
  emailPasswordFile: {
    kind: 'path',
    flag: null,
    variables: ['KERUTA_EMAIL_PASSWORD_FILE', 'EMAIL_PASSWORD_FILE'],
    fileKeys: ['email.password_file'],
    default: null,
    doc: 'file that holds the password of the mail account',
    roles: server,
  },
  emailCheckInterval: {
    kind: 'duration',
    flag: null,
    variables: ['KERUTA_EMAIL_CHECK_INTERVAL', 'EMAIL_CHECK_INTERVAL'],
    fileKeys: ['email.check_interval'],
    range: [1000, 3_600_000],
    default: 60_000,
    doc: 'how often mailboxes are looked at when the mail server does not tell of new messages (IDLE); a number is seconds',
    roles: server,
  },
} as const satisfies Record<string, SettingRow>;
