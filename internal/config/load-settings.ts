/** Puts the settings together: flags over environment over files over defaults, every fault told at once. */
import { join, resolve } from 'node:path';
import { nearest } from '../../pkg/text/nearest.ts';
import { InputError } from '../domain/errors.ts';
import { type ConfigFile, type FileEntry, readConfigFile } from './config-file.ts';
import { ConfigFault } from './fault.ts';
import type { SettingRow } from './row.ts';
import {
  needlessFileKeys,
  needlessVariables,
  type SettingKey,
  type SettingValues,
  settingKeys,
  settingsTable,
} from './table.ts';
import { formatValue, readValue, type Value } from './value.ts';

/** What settings are made from. */
export interface SettingSources {
  /** by setting: the flag as it was written (`--port`) and its text */
  readonly flags?: Readonly<Partial<Record<SettingKey, FlagText>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** the strongest first */
  readonly files?: readonly ConfigFile[];
  /** `''` when there is none */
  readonly home: string;
  readonly uid: number;
  /** absolute; relative paths of flags and variables begin here */
  readonly cwd: string;
  /** whether variables of other programs that only the server reads (PORT, DATABASE_URL, …) count; default false */
  readonly isServer?: boolean;
}

/** A flag that was given. */
export interface FlagText {
  readonly flag: string;
  readonly text: string;
}

/** Where a value came from. */
export interface Origin {
  readonly from: 'flag' | 'environment' | 'file' | 'default';
  /** `--port`, `PORT`, `/etc/keruta/config.yaml:3`; `''` for the default */
  readonly name: string;
}

/** Settings, and how they came to be. */
export interface LoadedSettings {
  readonly values: SettingValues;
  readonly origins: Readonly<Record<SettingKey, Origin>>;
  /** what was passed over and why; for stderr */
  readonly warnings: readonly string[];
  /** configuration files that were read; absolute */
  readonly configFiles: readonly string[];
}

/** One text that a setting may take its value from. */
interface Candidate {
  readonly text: string;
  readonly origin: Origin;
  /** for messages */
  readonly place: string;
  /** where relative paths begin */
  readonly base: string;
  /** another program's variable: what cannot be read is passed over, where the setting is a switch */
  readonly foreign: boolean;
}

/**
 * Loads all settings. An empty variable counts as unset. A value that a stronger source overrules is not looked at.
 * @throws {InputError} KERUTA_ERR_CONFIG: one line a fault; `details.faults` holds them as data
 */
export function loadSettings(sources: SettingSources): LoadedSettings {
  const faults: ConfigFault[] = [];
  const warnings: string[] = [];
  const entries = readFiles(sources, faults);
  const values: Partial<Record<SettingKey, Value | null>> = {};
  const origins: Partial<Record<SettingKey, Origin>> = {};

  for (const key of settingKeys) {
    const row = settingsTable[key];
    values[key] = row.default;
    origins[key] = { from: 'default', name: '' };
    for (const candidate of candidatesOf(key, sources, entries)) {
      const reading = readCandidate(row, candidate, sources.home);
      if ('warning' in reading) {
        warnings.push(reading.warning);
        continue;
      }
      if ('fault' in reading) faults.push(reading.fault);
      else values[key] = reading.value;
      origins[key] = candidate.origin;
      break;
    }
  }
  faults.push(...wrongShapes(entries));
  warnings.push(...unknownKeys(entries), ...needless(sources));
  if (faults.length > 0) throw configError(faults);
  return {
    values: derive(values as SettingValues, sources, warnings),
    origins: origins as Record<SettingKey, Origin>,
    warnings,
    configFiles: (sources.files ?? []).map(({ path }) => path),
  };
}

function readFiles(sources: SettingSources, faults: ConfigFault[]): FileEntry[] {
  return (sources.files ?? []).flatMap((file) => {
    try {
      return readConfigFile(file);
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error;
      faults.push(error);
      return [];
    }
  });
}

function candidatesOf(key: SettingKey, sources: SettingSources, entries: readonly FileEntry[]): Candidate[] {
  const row = settingsTable[key];
  const flag = sources.flags?.[key];
  const variable = (name: string, foreign: boolean): Candidate[] => {
    const text = sources.env[name];
    if (text === undefined || text === '') return [];
    return [{ text, origin: { from: 'environment', name }, place: name, base: sources.cwd, foreign }];
  };
  const fromFile = (entry: FileEntry): Candidate => ({
    text: entry.text,
    origin: { from: 'file', name: entry.place },
    place: `${entry.key} (${entry.place})`,
    base: entry.directory,
    foreign: false,
  });
  return [
    ...(flag
      ? [
          {
            text: flag.text,
            origin: { from: 'flag' as const, name: flag.flag },
            place: flag.flag,
            base: sources.cwd,
            foreign: false,
          },
        ]
      : []),
    ...row.variables.flatMap((name) => variable(name, false)),
    ...(sources.isServer ? (row.serverVariables ?? []).flatMap((name) => variable(name, true)) : []),
    ...entries.filter((entry) => row.fileKeys.includes(entry.key) && entry.text !== '').map(fromFile),
  ];
}

function readCandidate(
  row: SettingRow,
  candidate: Candidate,
  home: string,
): { value: Value } | { fault: ConfigFault } | { warning: string } {
  // Kubernetes sets KERUTA_PORT=tcp://10.0.0.1:80 in every pod beside a service of the name keruta.
  if (
    candidate.origin.from === 'environment' &&
    /_PORT$/.test(candidate.place) &&
    /^tcp:\/\//.test(candidate.text)
  ) {
    return { warning: `${candidate.place} is the address of a Kubernetes service; it is passed over` };
  }
  const inFile = candidate.origin.from === 'file' && row.bareUnitInFile !== undefined;
  const rule = inFile ? { ...row, bareUnit: row.bareUnitInFile } : row;
  const reading = readValue(rule as SettingRow, candidate.text);
  if ('expected' in reading) {
    if (candidate.foreign && row.kind === 'bool') {
      return { warning: `${candidate.place} is not true or false; it is passed over` };
    }
    const came = row.secret ? 'something else' : `"${withoutPassword(candidate.text).slice(0, 200)}"`;
    return { fault: new ConfigFault(candidate.place, reading.expected, came) };
  }
  if (row.kind !== 'path') return reading;
  const path = String(reading.value).replace(/^~(?=$|\/)/, home === '' ? '~' : home);
  return { value: resolve(candidate.base, path) };
}

/** An address as it may be shown: what stands before an `@` is left out. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/\s]*@/, '//…@');
}

/** A value where keys belong, or keys where a value belongs: what was meant for a setting would have no effect. */
function wrongShapes(entries: readonly FileEntry[]): ConfigFault[] {
  const known = settingKeys.flatMap((key) => settingsTable[key].fileKeys);
  return entries.flatMap(({ key, place }) => {
    if (known.includes(key)) return [];
    const setting = known.find((name) => key.startsWith(`${name}.`));
    if (setting !== undefined) return [new ConfigFault(`${setting} (${place})`, 'a value', 'keys under it')];
    const isSection = known.some((name) => name.startsWith(`${key}.`));
    return isSection ? [new ConfigFault(`${key} (${place})`, 'keys under it', 'a value')] : [];
  });
}

function unknownKeys(entries: readonly FileEntry[]): string[] {
  const known = settingKeys.flatMap((key) => settingsTable[key].fileKeys);
  return entries.flatMap((entry) => {
    if (known.includes(entry.key)) return [];
    const why = Object.hasOwn(needlessFileKeys, entry.key) ? needlessFileKeys[entry.key] : undefined;
    if (why) return [`${entry.key} (${entry.place}) has no effect: ${why}`];
    const near = nearest(entry.key, known);
    return [`${entry.key} (${entry.place}) is not a setting${near ? `; did you mean ${near}?` : ''}`];
  });
}

function needless(sources: SettingSources): string[] {
  if (!sources.isServer) return [];
  return Object.entries(needlessVariables)
    .filter(([name]) => sources.env[name])
    .map(([name, why]) => `${name} is not needed: ${why}`);
}

function derive(values: SettingValues, sources: SettingSources, warnings: string[]): SettingValues {
  if (values.maxConcurrentTasks !== 1) {
    const wanted = formatValue('int', values.maxConcurrentTasks);
    warnings.push(
      `${wanted} tasks at once were asked for; the tasks of a session run one after another, 1 is used`,
    );
  }
  const ownBase = sources.home === '' ? `/tmp/keruta-${sources.uid}` : join(sources.home, '.keruta');
  const baseDir = values.baseDir ?? ownBase;
  return {
    ...values,
    maxConcurrentTasks: 1,
    logLevel: values.debug ? 'DEBUG' : values.logLevel,
    baseDir,
    dataDir: values.dataDir ?? join(baseDir, 'server'),
  };
}

function configError(faults: readonly ConfigFault[]): InputError {
  const lines = faults.map((fault) => fault.message);
  const message =
    lines.length === 1
      ? `a setting is wrong: ${lines[0]}`
      : `${lines.length} settings are wrong:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return new InputError('KERUTA_ERR_CONFIG', message, {
    details: { faults: faults.map(({ place, expected, came }) => ({ place, expected, came })) },
  });
}
