import { describe, expect, test } from 'vitest';
import {
  type LoadedSettings,
  loadSettings,
  type SettingSources,
} from '../../../internal/config/load-settings.ts';
import { findSetting, type SettingKey, settingKeys, settingsTable } from '../../../internal/config/table.ts';
import { formatValue } from '../../../internal/config/value.ts';
import { InputError } from '../../../internal/domain/errors.ts';

const load = (sources: Partial<SettingSources> = {}): LoadedSettings =>
  loadSettings({ env: {}, home: '/home/ann', uid: 1000, cwd: '/work', ...sources });

const faultsOf = (sources: Partial<SettingSources>): { place: string; expected: string; came: string }[] => {
  try {
    load(sources);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).details.faults as { place: string; expected: string; came: string }[];
  }
  throw new Error('nothing was wrong');
};

/** For each kind: a text as people write it, and the value it stands for. */
const sample = (key: SettingKey): { text: string; value: unknown; bad: string | null } => {
  const row = settingsTable[key];
  if (key === 'debug') return { text: 'true', value: true, bad: 'maybe' };
  if (key === 'maxConcurrentTasks') return { text: '1', value: 1, bad: 'many' };
  switch (row.kind) {
    case 'string':
      return { text: 'some text', value: 'some text', bad: null };
    case 'url':
      return { text: 'https://api.example/', value: 'https://api.example', bad: 'api.example' };
    case 'path':
      return { text: '/srv/x', value: '/srv/x', bad: null };
    case 'duration':
      return { text: '90', value: 90_000, bad: 'soon' };
    case 'size':
      return { text: '8MB', value: 8 * 1024 ** 2, bad: 'huge' };
    case 'int':
      return { text: '7', value: 7, bad: '7.5' };
    case 'bool':
      return { text: row.default === true ? 'false' : 'yes', value: row.default !== true, bad: 'maybe' };
    case 'enum': {
      const choice = row.choices?.[2] ?? row.choices?.find((one) => one !== row.default) ?? '';
      return { text: choice.toLowerCase(), value: choice, bad: 'purple' };
    }
    case 'list':
      return { text: 'a, b', value: ['a', 'b'], bad: null };
  }
};

const yaml = (fileKey: string, text: string) => {
  const keys = fileKey.split('.');
  return `${keys.map((key, depth) => `${'  '.repeat(depth)}${key}:`).join('\n')} ${JSON.stringify(text)}\n`;
};

describe.each(settingKeys.map((key) => [key, settingsTable[key]] as const))('the setting %s', (key, row) => {
  const { text, value, bad } = sample(key);
  const hidesInLevel = key === 'debug' || key === 'maxConcurrentTasks';

  test('has its default and says so', () => {
    const { values, origins } = load();
    if (row.default !== null) expect(values[key]).toEqual(row.default);
    expect(origins[key]).toEqual({ from: 'default', name: '' });
  });

  test.each(row.variables.map((name) => [name]))('is read from %s', (name) => {
    const { values, origins } = load({ env: { [name]: text } });
    expect(values[key]).toEqual(value);
    expect(origins[key]).toEqual({ from: 'environment', name });
  });

  test.each((row.serverVariables ?? []).map((name) => [name]))('is read from %s by a server only', (name) => {
    expect(load({ env: { [name]: text }, isServer: true }).values[key]).toEqual(value);
    expect(load({ env: { [name]: text } }).values[key]).toEqual(load().values[key]);
  });

  test.each(row.fileKeys.map((name) => [name]))('is read from %s in a file', (name) => {
    const { values, origins, warnings } = load({ files: [{ path: '/etc/c.yaml', text: yaml(name, text) }] });
    expect(values[key]).toEqual(value);
    expect(origins[key]).toEqual({ from: 'file', name: `/etc/c.yaml:${name.split('.').length}` });
    expect(warnings).toEqual([]);
  });

  test('takes the flag before the environment, and that before the file', () => {
    const fileKey = row.fileKeys[0];
    const files = fileKey && bad ? [{ path: '/c.yaml', text: yaml(fileKey, bad) }] : [];
    const variable = row.variables[0] ?? '';
    const { origins } = load({
      flags: { [key]: { flag: '--it', text } },
      env: { [variable]: bad ?? text },
      files,
    });
    expect(origins[key]).toEqual({ from: 'flag', name: '--it' });
    expect(load({ env: { [variable]: text }, files }).origins[key].from).toBe('environment');
  });

  test('says what was expected and what came, but not a secret', () => {
    if (bad === null) return;
    const variable = row.variables[0] ?? '';
    const [fault] = faultsOf({ env: { [variable]: bad } });
    expect(fault).toMatchObject({ place: variable, came: row.secret ? 'something else' : `"${bad}"` });
  });

  test('is found by each of its names', () => {
    for (const name of [key, ...row.variables, ...row.fileKeys]) expect(findSetting(name)).toBe(key);
    if (row.flag) expect(settingsTable[findSetting(`--${row.flag}`) ?? key].flag).toBe(row.flag);
  });

  test('has a default that is read as it is written', () => {
    if (row.default === null || hidesInLevel) return;
    const written = formatValue(row.kind, row.default);
    expect(load({ flags: { [key]: { flag: '--it', text: written } } }).values[key]).toEqual(row.default);
  });
});

describe('loading settings', () => {
  test('tells all faults at once', () => {
    const files = [{ path: '/etc/c.yaml', text: 'api:\n  timeout: soon\nserver: {port: 99999}\n' }];
    const faults = faultsOf({ env: { KERUTA_POLL_INTERVAL: 'x', KERUTA_API_URL: 'ftp://x' }, files });
    expect(faults.map((fault) => fault.place)).toEqual([
      'KERUTA_API_URL',
      'api.timeout (/etc/c.yaml:2)',
      'KERUTA_POLL_INTERVAL',
      'server.port (/etc/c.yaml:3)',
    ]);
  });

  test('reads both dialects of units: bare numbers are seconds and megabytes, in the file bytes', () => {
    const env = { KERUTA_TIMEOUT: '30', KERUTA_MAX_FILE_SIZE: '100' };
    expect(load({ env }).values).toMatchObject({ apiTimeout: 30_000, maxFileSize: 100 * 1024 ** 2 });
    const text = 'api:\n  timeout: 30s\nartifacts:\n  max_size: 104857600\n';
    const { values } = load({ files: [{ path: '/c.yaml', text }] });
    expect(values).toMatchObject({ apiTimeout: 30_000, maxFileSize: 100 * 1024 ** 2 });
  });

  test('reads the sample file of older agents', () => {
    const text = `api:
  url: http://keruta-api:8080
  timeout: 30s
logging:
  level: INFO
  format: json
artifacts:
  max_size: 100MB
  directory: /.keruta/doc
  extensions: [txt, md]
error_handling:
  auto_fix: true
  retry_count: 3
`;
    const { values, warnings } = load({ files: [{ path: '/c.yaml', text }] });
    expect(values).toMatchObject({
      apiUrl: 'http://keruta-api:8080',
      logFormat: 'json',
      artifactsDir: '/.keruta/doc',
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('artifacts.extensions (/c.yaml:10) has no effect');
  });

  test.each([
    ['api:\n  url:\n    a: b\n', 'api.url (/c.yaml:3)', 'a value', 'keys under it'],
    ['log:\n  level: INFO\napi: 5\n', 'api (/c.yaml:3)', 'keys under it', 'a value'],
  ])('F-115: refuses what has the shape of something else: %j', (text, place, expected, came) => {
    expect(faultsOf({ files: [{ path: '/c.yaml', text }] })).toEqual([{ place, expected, came }]);
  });

  test('warns of keys that are no settings, and names the nearest', () => {
    const { warnings } = load({ files: [{ path: '/c.yaml', text: 'api:\n  ulr: http://x\n' }] });
    expect(warnings).toEqual(['api.ulr (/c.yaml:2) is not a setting; did you mean api.url?']);
  });

  test('takes the stronger of two files, key by key', () => {
    const files = [
      { path: '/own.yaml', text: 'api: {url: http://own}' },
      { path: '/etc.yaml', text: 'api: {url: http://etc, timeout: 9s}' },
    ];
    expect(load({ files }).values).toMatchObject({ apiUrl: 'http://own', apiTimeout: 9000 });
  });

  test('makes paths absolute: of the working directory, of the file, of the home', () => {
    const flags = { pidFile: { flag: '--pid-file', text: 'a.pid' } } as const;
    const env = { KERUTA_ARTIFACTS_DIR: '~/doc' };
    const files = [{ path: '/etc/keruta/config.yaml', text: 'logging: {file: log/k.log}' }];
    expect(load({ flags, env, files }).values).toMatchObject({
      pidFile: '/work/a.pid',
      artifactsDir: '/home/ann/doc',
      logFile: '/etc/keruta/log/k.log',
      baseDir: '/home/ann/.keruta',
      dataDir: '/home/ann/.keruta/server',
    });
  });

  test('without a home the base directory is one of the user below /tmp', () => {
    expect(load({ home: '' }).values).toMatchObject({
      baseDir: '/tmp/keruta-1000',
      dataDir: '/tmp/keruta-1000/server',
    });
  });

  test('uses one task at a time whatever is asked for, and says so', () => {
    const { values, warnings } = load({ env: { KERUTA_MAX_CONCURRENT_TASKS: '4' } });
    expect(values.maxConcurrentTasks).toBe(1);
    expect(warnings[0]).toContain('4 tasks at once');
  });

  test('passes over what Kubernetes puts into KERUTA_PORT, and a DEBUG of other programs', () => {
    const env = { KERUTA_PORT: 'tcp://10.0.0.1:80', DEBUG: 'express:*', PORT: '9000' };
    const { values, warnings } = load({ env, isServer: true });
    expect(values).toMatchObject({ serverPort: 9000, debug: false, logLevel: 'INFO' });
    expect(warnings).toHaveLength(2);
  });

  test('DEBUG raises the level of a server, KERUTA_… wins over names of others', () => {
    const env = { DEBUG: '1', PORT: '9000', KERUTA_PORT: '9001' };
    expect(load({ env, isServer: true }).values).toMatchObject({ logLevel: 'DEBUG', serverPort: 9001 });
  });

  test('a server says which variables of older set-ups it does not need', () => {
    const { warnings } = load({
      env: { REDIS_URL: 'redis://x', API_GATEWAY_URL: 'http://x' },
      isServer: true,
    });
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual(['REDIS_URL', 'API_GATEWAY_URL']);
  });

  test('an address with a password is refused, and the password is not repeated', () => {
    const [fault] = faultsOf({ env: { KERUTA_API_URL: 'http://ann:pw@host' } });
    expect(fault).toMatchObject({ came: '"http://…@host"' });
    expect(fault?.expected).toContain('without user name');
  });
});
