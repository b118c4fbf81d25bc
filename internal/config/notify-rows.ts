import type { SettingRow } from './row.ts';

const server = ['server'] as const;

/** Settings of what people are told. */
export const notifyRows = {
  notifyFile: {
    kind: 'path',
    flag: null,
    variables: ['KERUTA_NOTIFY_FILE'],
    fileKeys: ['notify.file'],
    default: null,
    defaultDoc: 'none: nobody is told anything',
    doc: 'file (YAML, TOML, JSON) of the channels of notifications',
    roles: server,
  },
  notifyTo: {
    kind: 'list',
    flag: null,
    variables: ['KERUTA_NOTIFY_TO'],
    fileKeys: ['notify.to'],
    default: null,
    defaultDoc: 'all channels of the file',
    doc: 'channels that are told where a workflow names none',
    roles: server,
  },
  notifyOn: {
    kind: 'list',
    flag: null,
    variables: ['KERUTA_NOTIFY_ON'],
    fileKeys: ['notify.on'],
    default: null,
    defaultDoc: 'all events but retries_exhausted',
    doc: 'events that are told where a workflow names none',
    roles: server,
  },
  notifyFailures: {
    kind: 'list',
    flag: null,
    variables: ['KERUTA_NOTIFY_FAILURES'],
    fileKeys: ['notify.failures'],
    default: null,
    defaultDoc: '1,3,5',
    doc: 'failures in a row that are told where a workflow names none; behind the last one whenever the number has doubled',
    roles: server,
  },
  notifyAllow: {
    kind: 'list',
    flag: null,
    variables: ['KERUTA_NOTIFY_ALLOW'],
    fileKeys: ['notify.allow'],
    default: null,
    defaultDoc: 'none: the open internet only',
    doc: 'hosts, addresses and networks to which notifications may go although they are not of the open internet',
    roles: server,
  },
} as const satisfies Record<string, SettingRow>;
