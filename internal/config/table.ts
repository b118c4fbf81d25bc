/** The settings table: every setting of keruta, one row each. */
import { agentRows } from './agent-rows.ts';
import { clientRows } from './client-rows.ts';
import { defaultRows } from './default-rows.ts';
import { emailRows } from './email-rows.ts';
import { executorRows } from './executor-rows.ts';
import { githubRows } from './github-rows.ts';
import { kubernetesRows } from './kubernetes-rows.ts';
import { notifyRows } from './notify-rows.ts';
import type { SettingRow } from './row.ts';
import { serverRows } from './server-rows.ts';
import { traceRows } from './trace-rows.ts';
import type { ValueOf } from './value.ts';

const rows = {
  ...clientRows,
  ...agentRows,
  ...executorRows,
  ...kubernetesRows,
  ...serverRows,
  ...defaultRows,
  ...emailRows,
  ...githubRows,
  ...notifyRows,
  ...traceRows,
} as const;

/** Name of a setting inside the program. */
export type SettingKey = keyof typeof rows;

/** The kind of one setting. */
export type KindOf<K extends SettingKey> = (typeof rows)[K]['kind'];

/** Every setting by its name, in the order of the reference page. */
export const settingsTable: Readonly<Record<SettingKey, SettingRow>> = rows;

/** The names in the order of the table. */
export const settingKeys = Object.keys(rows) as readonly SettingKey[];

/** Settings whose default is made from others, and which therefore always have a value. */
export type DerivedKey = 'baseDir' | 'dataDir';

/** Values of all settings; null where nothing is set and there is no default. Paths are absolute. */
export type SettingValues = {
  readonly [K in SettingKey]: K extends DerivedKey
    ? string
    : (typeof rows)[K]['default'] extends null
      ? ValueOf<(typeof rows)[K]['kind']> | null
      : ValueOf<(typeof rows)[K]['kind']>;
};

/** Finds a setting by any of its names: its own, a flag with or without dashes, a variable, a file key; else null. */
export function findSetting(name: string): SettingKey | null {
  const flag = name.replace(/^--/, '');
  const matches = (key: SettingKey) => {
    const row = settingsTable[key];
    return key === name || row.fileKeys.includes(name) || row.variables.includes(name);
  };
  return settingKeys.find(matches) ?? settingKeys.find((key) => settingsTable[key].flag === flag) ?? null;
}

/** Names that older programs set and keruta has no use for: accepted with a notice that says why. */
export const needlessVariables: Readonly<Record<string, string>> = {
  REDIS_URL: 'keruta needs no Redis: its database does that work',
  WORKFLOW_ENGINE_URL: 'workflows run inside keruta',
  API_GATEWAY_URL: 'the API is reached directly, at KERUTA_API_URL',
};

/** File keys that older programs read and keruta has no use for. */
export const needlessFileKeys: Readonly<Record<string, string>> = {
  'artifacts.extensions': 'artifacts of every kind are collected',
};
