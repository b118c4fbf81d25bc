/** Short texts that people, variables, headers and command lines bring. */
import { expect } from 'vitest';
import { parseLevel, parsePercentage, parseSpoken } from '../../cmd/keruta/task-commands/grammar.ts';
import { apiPath, normalizeBaseUrl } from '../../internal/api/base-url.ts';
import { sessionIdFromWorkspaceName, workspaceName } from '../../internal/api/discovery.ts';
import { readInstant } from '../../internal/api/instant.ts';
import { parseSize } from '../../internal/config/size.ts';
import { findSetting, settingKeys, settingsTable } from '../../internal/config/table.ts';
import { formatValue, readValue, type Value, type ValueKind } from '../../internal/config/value.ts';
import { maxDurationMs, parseDuration } from '../../internal/domain/duration.ts';
import { InputError } from '../../internal/domain/errors.ts';
import { logLevels, parseLogLevel } from '../../internal/domain/log-level.ts';
import { parseSessionStatus, sessionStatuses } from '../../internal/domain/session.ts';
import { parseTaskStatus, taskStatuses } from '../../internal/domain/task-status.ts';
import { readIdempotencyKey } from '../../internal/server/idempotency-key.ts';
import { readTrustedProxies } from '../../internal/server/trusted-proxies.ts';
import { readFileName, readPath } from '../../internal/session/artifact-name.ts';
import { parseFailpoints } from '../../pkg/failpoint/failpoint.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { parseRef } from '../../pkg/git/ref-name.ts';
import { parseRepositoryUrl } from '../../pkg/git/repository-url.ts';
import { judgeVersion } from '../../pkg/git/version.ts';
import { readRetryAfter } from '../../pkg/http/retry-after.ts';
import { hostName } from '../../pkg/local-http/refuse-request.ts';
import { contentTypeOf } from '../../pkg/mime/mime.ts';
import { nearest } from '../../pkg/text/nearest.ts';
import { fuzzParsers, row } from './parsers.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
const kinds: Readonly<Record<ValueKind, readonly string[]>> = {
  string: ['text', ''],
  url: ['http://127.0.0.1:8585', 'https://a.example/keruta/'],
  path: ['/var/lib/keruta', '~/x', './a b'],
  duration: ['30s', '1h30m', '1.5s'],
  size: ['100MB', '64k', '1.5 GiB'],
  int: ['8585', '+1', '-1'],
  bool: ['true', 'off'],
  enum: ['INFO', 'json'],
  list: ['a,b , c', '127.0.0.1'],
};

const fits: Readonly<Record<ValueKind, (value: Value) => boolean>> = {
  string: (value) => typeof value === 'string',
  url: (value) => /^https?:\/\/[^/]/i.test(String(value)),
  path: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
  duration: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  size: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  int: (value) => Number.isSafeInteger(value),
  bool: (value) => typeof value === 'boolean',
  enum: (value) => typeof value === 'string',
  list: (value) => Array.isArray(value) && value.every((item) => item === item.trim() && item !== ''),
};

/** One row a kind, read by every setting of that kind. */
const settingRows = Object.entries(kinds).map(([kind, samples]) => {
  const rules = settingKeys.map((key) => settingsTable[key]).filter((rule) => rule.kind === kind);
  return row({
    name: `a setting of the kind ${kind}`,
    samples,
    // each is read by every setting of the kind
    maxLength: 64 * 1024,
    parse: (text) => rules.map((rule) => ({ rule, reading: readValue(rule, text) })),
    check: (readings) => {
      for (const { rule, reading } of readings) {
        if ('expected' in reading) continue;
        expect(reading.value).toSatisfy(fits[rule.kind]);
        if (rule.choices) expect(rule.choices).toContain(reading.value);
        const [least, greatest] = rule.range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
        if (rule.range) expect(Number(reading.value)).toSatisfy((n: number) => n >= least && n <= greatest);
        if (rule.kind === 'list') continue;
        // what is written is read as the same again
        const again = readValue(
          { ...rule, bareUnit: rule.kind === 'size' ? 'B' : 'ms' },
          formatValue(rule.kind, reading.value),
        );
        expect(again).toEqual(reading);
      }
    },
  });
});

const wholeNumber = (most: number) => (value: number | null) => {
  if (value !== null) expect(value).toSatisfy((n: number) => Number.isSafeInteger(n) && n >= 0 && n <= most);
};
const oneOf = (names: readonly string[]) => (value: string | null) => {
  if (value !== null) expect(names).toContain(value);
};

fuzzParsers('settings and units', [
  ...settingRows,
  row({
    name: 'a duration',
    samples: ['1h30m', '250ms', '1.5 s'],
    parse: (text) => parseDuration(text),
    check: wholeNumber(maxDurationMs),
  }),
  row({
    name: 'a size',
    samples: ['100MB', '1.5 GiB', '64k'],
    parse: (text) => parseSize(text),
    check: wholeNumber(Number.MAX_SAFE_INTEGER),
  }),
  row({
    name: 'the name of a setting',
    samples: ['api.url', '--log-level', 'KERUTA_API_URL'],
    parse: findSetting,
    check: oneOf(settingKeys),
  }),
  row({
    name: 'a mistyped name',
    samples: ['api.ulr', 'stauts'],
    parse: (text) => nearest(text, settingKeys),
    check: oneOf(settingKeys),
  }),
  row({ name: 'a level', samples: ['INFO', 'warning'], parse: parseLogLevel, check: oneOf(logLevels) }),
  row({
    name: 'the status of a task',
    samples: ['PENDING', 'in_progress'],
    parse: parseTaskStatus,
    check: oneOf(taskStatuses),
  }),
  row({
    name: 'the status of a session',
    samples: ['ACTIVE'],
    parse: parseSessionStatus,
    check: oneOf(sessionStatuses),
  }),
  row({
    name: 'a list of failpoints',
    samples: ['after_claim:kill,mid_segment:stop@3'],
    parse: parseFailpoints,
    refusals: [SyntaxError],
  }),
]);

fuzzParsers('command lines of scripts', [
  row({
    name: 'a percentage',
    samples: ['50', '100%'],
    parse: parsePercentage,
    refusals: [InputError],
    check: wholeNumber(100),
  }),
  row({
    name: 'a level',
    samples: ['INFO', 'warn'],
    parse: parseLevel,
    refusals: [InputError],
    check: oneOf(logLevels),
  }),
  row({
    name: 'a line of words',
    samples: [
      'progress 50 --message half',
      'log INFO -- --x',
      'fail --no-auto-fix --error-code=E',
      'ask q? --secret',
    ],
    parse: (text) => parseSpoken(text.split(' ')),
    check: (spoken) => {
      for (const value of Object.values(spoken?.values ?? {})) expect(value).toBeTypeOf('string');
      for (const value of Object.values(spoken?.flags ?? {})) expect(value).toBeTypeOf('boolean');
    },
  }),
]);

fuzzParsers('addresses, names and times', [
  row({
    name: 'the address of an API',
    samples: ['http://127.0.0.1:8585', 'https://a.example/x/api/v1/', 'http://me:pw@a.example'],
    parse: normalizeBaseUrl,
    refusals: [InputError],
    check: (url) => {
      expect(url).toMatch(/^https?:\/\//);
      expect(url).not.toMatch(/[/?#]$/);
      expect(URL.canParse(url)).toBe(true);
    },
  }),
  row({
    name: 'an id in an address',
    samples: [id, 'a/b', '..', 'ä'],
    parse: (text) => apiPath('tasks', text),
    refusals: [InputError],
    check: (path, text) => {
      expect(new URL(path, 'http://a').pathname).toBe(path);
      expect(decodeURIComponent(path.slice('/api/v1/tasks/'.length))).toBe(text);
    },
  }),
  row({
    name: 'the name of a workspace',
    samples: [`session-${id}`, 'ws-0f8fad5b-a-b', `${id}-x`, '0f8fad5b-main', '/home/me/session-0f8fad5b'],
    parse: (text) => [
      sessionIdFromWorkspaceName(text),
      workspaceName({ coderWorkspaceName: text }),
      workspaceName({ hostname: text }),
      workspaceName({ directory: text }),
    ],
    check: (found) => {
      for (const name of found) if (name !== null) expect(name).not.toBe('');
    },
  }),
  row({
    name: 'a time',
    samples: [
      '2026-01-02T03:04:05.678Z',
      '2026-01-02 03:04',
      '1767323045',
      '1767323045678.5',
      '2026-01-02T03:04:05+0900',
    ],
    parse: (text) => {
      const array = text.split(/\D+/).map(Number);
      return [readInstant(text), readInstant(Number(text)), readInstant(array)];
    },
    check: (times) => {
      for (const time of times)
        if (time !== null) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    },
  }),
  row({
    name: 'the path of an artifact',
    samples: ['a/b.txt', './a//b', 'a\\b', 'e\u0301.txt', '../x'],
    parse: readPath,
    refusals: [InputError],
    check: (path) => {
      expect(path).not.toMatch(/^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)|\p{Cc}/u);
      expect(Buffer.byteLength(path)).toBeLessThanOrEqual(1024);
      expect(readPath(path)).toBe(path);
    },
  }),
  row({
    name: 'the file name of an upload',
    samples: ['a.txt', 'C:\\x\\b.pdf', '/etc/passwd', 'あ'.repeat(100)],
    parse: readFileName,
    check: (name) => {
      expect(name).not.toMatch(/[/\\]|^\.{0,2}$|\p{Cc}/u);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(readPath(name)).toBe(name);
    },
  }),
  row({
    name: 'the extension of a file',
    samples: ['a.txt', 'x.constructor', 'x.__proto__', '.profile'],
    parse: contentTypeOf,
    check: (type) => expect(type).toMatch(/^[\w.+-]+\/[\w.+-]+(; charset=utf-8)?$/),
  }),
  row({
    name: 'the address of a repository',
    samples: [
      'https://u:p@a.example/x.git',
      'ssh://git@a.example:22/x',
      'git@a.example:x/y.git',
      'file:///srv/x',
      'ext::sh -c x',
    ],
    parse: (text) => parseRepositoryUrl(text, { allowLocal: true }),
    refusals: [GitError],
    check: ({ url, credentials, host }) => {
      expect(url).not.toMatch(/^-|\p{Cc}|\s/u);
      expect(host).not.toMatch(/^-/);
      if (credentials !== null) expect(url).not.toMatch(/^\w+:\/\/[^/]*@/);
    },
  }),
  row({
    name: 'a ref',
    samples: [
      'main',
      'refs/heads/a/b',
      'v1.0',
      id.replaceAll('-', '').padEnd(40, '0'),
      'HEAD',
      '--upload-pack=x',
    ],
    parse: parseRef,
    refusals: [GitError],
    check: (ref) => {
      if ('name' in ref) expect(ref.name).not.toMatch(/(^|\/)[-.]|\.\.|@\{|\p{Cc}|\p{Z}|[~^:?*[\\]|^$/u);
      if ('id' in ref) expect(ref.id).toMatch(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
    },
  }),
  row({
    name: 'the version of git',
    samples: ['git version 2.39.5\n', 'git version 2.50.1.windows.1', 'git version 2.43.0 (Apple Git-146)'],
    parse: judgeVersion,
    check: ({ text }) => expect(text).toMatch(/^(unknown|\d+\.\d+\S*)$/),
  }),
]);

fuzzParsers('headers', [
  row({ name: 'Host', samples: ['127.0.0.1:8686', '[::1]:80', 'localhost'], parse: hostName }),
  row({
    name: 'Retry-After',
    samples: ['120', 'Wed, 21 Oct 2026 07:28:00 GMT'],
    parse: (text) => readRetryAfter(text, 1_767_323_045_678),
    check: (ms) => {
      if (ms !== null) expect(ms).toSatisfy((n: number) => Number.isFinite(n) && n >= 0);
    },
  }),
  row({
    name: 'Idempotency-Key',
    samples: ['a-key', 'k'.repeat(255)],
    parse: (text) => readIdempotencyKey({ 'idempotency-key': text }),
    refusals: [InputError],
    check: (key) => expect(key?.length).toSatisfy((n: number) => n >= 1 && n <= 255),
  }),
  row({
    name: 'an entry of the trusted proxies',
    samples: ['10.0.0.0/8', '::1', 'fd00::/8'],
    parse: (text) => readTrustedProxies([text])('203.0.113.9'),
    refusals: [InputError],
  }),
]);
