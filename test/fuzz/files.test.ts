/** Files that a script, a bad disk, an older version or a person may have changed. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readEnvFile } from '../../cmd/keruta/config-files.ts';
import { drainSpool, type SpooledRequest, spoolRequest, spoolState } from '../../internal/api/spool.ts';
import { readConfigFile } from '../../internal/config/config-file.ts';
import { setInFile } from '../../internal/config/edit-file.ts';
import { ConfigFault } from '../../internal/config/fault.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { formatValue } from '../../internal/config/value.ts';
import { InputError } from '../../internal/domain/errors.ts';
import { decodeMailbox, encodeMailboxRecord } from '../../internal/domain/mailbox.ts';
import { MailboxReader } from '../../internal/executor/mailbox-reader.ts';
import {
  parseExit,
  readLeader,
  readProcessId,
  readRunRecord,
  runRecordShape,
} from '../../internal/executor/shim/run-files.ts';
import { readLosses } from '../../internal/executor/shim/run-losses.ts';
import { Cursor } from '../../internal/worker/cursor.ts';
import { parseRequest } from '../../internal/worker/mailbox-words.ts';
import { readReceipt, readRecord } from '../../internal/worker/run-record.ts';
import { cursorShape, receiptShape, recordShape } from '../../internal/worker/state-shapes.ts';
import { TestClock } from '../../pkg/clock/test-clock.ts';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import { counterFiles, countIn } from '../../pkg/process/oom.ts';
import { parseStat } from '../../pkg/process/proc.ts';
import { damaged, fuzzParsers, row, settings, timeoutMs } from './parsers.ts';

const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Puts a text into a file of that name; @returns where */
function put(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

/** The same JSON as the agent writes it, and as a version without checksums did. */
const written = (value: object) => {
  const file = join(directory, 'sample.json');
  writeJsonFile(file, value);
  return [readFileSync(file, 'utf8'), JSON.stringify(value)];
};

const now = Date.parse('2026-01-02T03:04:05Z');
const stat = `4711 (a b) S) S 1 4711 4711 0 -1 4194560 ${'7 '.repeat(10)}20 0 1 0 12345 1000000 200 ${'0 '.repeat(20)}\n`;

const emptyState = (() => {
  const { state } = new Cursor(join(directory, 'none.json'), new TestClock());
  return state;
})();
const cursors = [
  ...written(emptyState),
  ...written({
    ...emptyState,
    streams: { stdout: { offset: 5, crc32: 77 }, stderr: { offset: 0, crc32: 0 } },
    asks: [{ key: 'k', withdrawAt: null, secret: true }],
    lateSecrets: [{ id: 'x', value: 'hush-hush', name: 'n', from: { stdout: 1, stderr: 2 } }],
    declared: { status: 'FAILED', message: 'm', errorCode: '', autoFix: null },
  }),
];
const receipt = { version: 1, taskId: 't', attempt: 1, state: 'reported', status: 'COMPLETED', at: now };
const spec = {
  ...{
    version: 1,
    runId: 'r',
    workingDirectory: '/w',
    input: 'none',
    interpreter: ['/bin/sh'],
    env: ['PATH'],
  },
  ...{ bootId: 'b', createdAt: now },
};

fuzzParsers('files of a run', [
  row({
    name: 'the state of a run',
    samples: cursors,
    parse: (text) => new Cursor(put('cursor.json', text), new TestClock()).state,
    check: (state) => expect(cursorShape.safeParse(state).error).toBeUndefined(),
  }),
  row({
    name: 'the record of a run',
    samples: ['{"version":1,"task":{},"session":{},"attempt":1}', ...written(receipt)],
    parse: (text) => {
      put('task.json', text);
      return readRecord(directory);
    },
    check: (record) => expect(record === null || recordShape.safeParse(record).success).toBe(true),
  }),
  row({
    name: 'the receipt of a run',
    samples: written(receipt),
    parse: (text) => {
      put('receipt.json', text);
      return readReceipt(directory);
    },
    check: (read) => expect(read === null || receiptShape.safeParse(read).success).toBe(true),
  }),
  row({
    name: 'what was started',
    samples: [JSON.stringify(spec)],
    parse: (text) => {
      put('spec.json', text);
      return readRunRecord(directory);
    },
    check: (read) => expect(read === null || runRecordShape.safeParse(read).success).toBe(true),
  }),
  row({
    name: 'how a script ended',
    samples: ['code 0\n0m0.001s 0m0.000s\n0m1.250s 0m0.030s\n.\n', 'signal 137\n.\n'],
    parse: parseExit,
    check: (end) => {
      if (end === null) return;
      expect((end.exitCode === null) !== (end.signal === null)).toBe(true);
      if (end.exitCode !== null) expect(end.exitCode).toSatisfy((n: number) => n >= 0 && n <= 255);
      if (end.signal !== null) expect(end.signal).toMatch(/^SIG[A-Z0-9]+$/);
      if (end.cpuMs !== null) expect(end.cpuMs).toSatisfy((n: number) => Number.isSafeInteger(n) && n >= 0);
    },
  }),
  row({
    name: 'what was lost of a stream',
    samples: ['stdout 4096 full\nstderr 0 killed\n', 'stdout  full\n'],
    parse: (text) => {
      put('loss', text);
      return readLosses(directory);
    },
    check: (losses) => {
      for (const { offset } of losses)
        expect(offset).toSatisfy((n: number) => Number.isSafeInteger(n) && n >= 0);
    },
  }),
  row({
    name: 'who a process said it is',
    samples: [stat, '4711\n'],
    parse: (text) => {
      put('shim', text);
      put('leader', text);
      return { id: readProcessId(directory, 'shim'), leader: readLeader(directory) };
    },
    check: ({ id, leader }) => {
      if (id !== null) expect(id.pid).toSatisfy((n: number) => Number.isSafeInteger(n) && n > 1);
      if (leader !== null) expect(leader).toSatisfy((n: number) => Number.isSafeInteger(n) && n >= 0);
    },
  }),
]);

fuzzParsers('/proc', [
  row({
    name: 'a line of stat',
    samples: [stat],
    parse: parseStat,
    check: (read) => {
      for (const value of Object.values(read ?? {}))
        if (typeof value === 'number') expect(value).toSatisfy(Number.isSafeInteger);
    },
  }),
  row({ name: 'a counter', samples: ['low 0\noom_kill 3\n'], parse: countIn }),
  row({
    name: 'the control groups of a process',
    samples: ['0::/user.slice/a\n', '5:cpu,memory:/docker/abc\n1:name=systemd:/\n', '0::/../..\n'],
    parse: counterFiles,
    check: (files) => {
      for (const file of files) expect(file).toMatch(/\/memory\.(events|oom_control)$/);
    },
  }),
]);

const words = [
  ['progress', '50', '--message', 'half'],
  ['log', 'INFO', 'a\n@3 b'],
  ['ask', 'q', '--key', 'k', '--timeout', '1e308'],
];
const records = words.map((one) => Buffer.from(encodeMailboxRecord(one)).toString('latin1'));

fuzzParsers('the mailbox', [
  row({
    name: 'a piece of it',
    samples: [...records, records.join(''), '@5 abcd\u001f\n', '@1 \u001f\n'],
    parse: (text) => {
      const bytes = Buffer.from(text, 'latin1');
      return { bytes, ...decodeMailbox(bytes, 7) };
    },
    check: ({ bytes, records: read, next }) => {
      let last = 7;
      for (const { seq } of read) {
        expect(seq).toBeGreaterThan(last);
        last = seq;
      }
      expect(next).toBeGreaterThanOrEqual(last);
      expect(next).toBeLessThanOrEqual(7 + bytes.length);
    },
  }),
  row({
    name: 'the whole file',
    samples: [...records, records.join(''), '@1 \u001f\n', '\n@999999999 '],
    parse: async (text) => {
      const reader = new MailboxReader(put('mailbox', ''), 0);
      writeFileSync(join(directory, 'mailbox'), text, 'latin1');
      const read = await reader.next();
      writeFileSync(join(directory, 'mailbox'), encodeMailboxRecord(['start', 'behind']), { flag: 'a' });
      return [...read, ...(await reader.next())];
    },
    // whatever stands in front of it, what is said next is heard; only a record that is still to come may swallow it
    check: (read, text) => {
      if (!/@\d+ [^@]*$/.test(text)) expect(read.at(-1)?.words).toEqual(['start', 'behind']);
    },
  }),
  row({
    name: 'the words of a record',
    samples: words.map((one) => one.join('\u001f')),
    parse: (text) => parseRequest(text.split('\u001f')),
    check: (request) => {
      if (request?.kind === 'progress') expect(request.progress).toSatisfy((n: number) => n >= 0 && n <= 100);
      if (request?.kind === 'ask') {
        expect(request.key).toMatch(/^[\w.-]{1,100}$/);
        if (request.timeoutMs !== null) expect(request.timeoutMs).toSatisfy(Number.isFinite);
      }
      if (request?.kind === 'redact')
        for (const at of Object.values(request.from)) expect(at).toSatisfy(Number.isSafeInteger);
    },
  }),
]);

const yaml = [
  'api:\n  url: http://a.example # mine\n  timeout: 5s\nagent:\n  labels: [a, "b"]\n',
  'a: &a {b: 1}\nc: *a\nd: !!str x\n"e": |\n  text\n',
  '---\n? x\n: - 1\n  - 2\n...\n',
];

fuzzParsers('configuration', [
  row({
    name: 'a file',
    samples: yaml,
    parse: (text) => readConfigFile({ path: '/c.yaml', text }),
    refusals: [ConfigFault],
    check: (entries) => {
      for (const { key, text, place } of entries) {
        expect([typeof key, typeof text]).toEqual(['string', 'string']);
        expect(place).toMatch(/^\/c\.yaml:\d+$/);
      }
    },
  }),
  row({
    name: 'all settings of a file',
    samples: yaml,
    parse: (text) =>
      loadSettings({ env: {}, files: [{ path: '/c.yaml', text }], home: '/home/me', uid: 1, cwd: '/' }),
    refusals: [InputError],
    check: ({ values }) => expect(Object.keys(values).sort()).toEqual([...settingKeys].sort()),
  }),
  row({
    name: 'a file into which a setting is written',
    samples: yaml,
    parse: (text) => setInFile(text, 'apiUrl', 'http://new.example'),
    refusals: [InputError],
    check: (text) => {
      const entries = readConfigFile({ path: '/c.yaml', text });
      expect(entries.filter(({ key }) => key === 'api.url').map((one) => one.text)).toEqual([
        'http://new.example',
      ]);
    },
  }),
  row({
    name: 'a file of variables',
    samples: ['A=1\nexport B="x y"\n# c\n', "KERUTA_PORT='8585' # x\n__proto__=1\n"],
    parse: (text) => readEnvFile(put('env', text)),
    refusals: [InputError],
    check: (env) => {
      for (const value of Object.values(env)) expect(value).toBeTypeOf('string');
    },
  }),
]);

describe('what is written', () => {
  test('a state file is read as it was written', () => {
    const file = join(directory, 'round.json');
    const property = fc.property(fc.jsonValue(), (value) => {
      writeJsonFile(file, value);
      expect(readJsonFile(file)).toEqual(JSON.parse(JSON.stringify(value)));
    });
    fc.assert(property, settings());
  });

  test('a state file with one byte changed is read as nothing, or as it was written', () => {
    const file = join(directory, 'flipped.json');
    const value = { ...receipt, note: 'a "text" ü' };
    const property = fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, mask) => {
      writeJsonFile(file, value);
      const bytes = readFileSync(file);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      writeFileSync(file, bytes);
      const read = readJsonFile(file);
      // a checksum that cannot be told any more makes it a file of an older version, all of it there
      if (read !== null) expect(read).toMatchObject(value);
    });
    fc.assert(property, settings());
  });

  const texts = settingKeys.flatMap((key) => {
    const { default: value, kind, fileKeys } = settingsTable[key];
    return value === null || fileKeys.length === 0 ? [] : [[key, formatValue(kind, value)] as const];
  });
  test(
    'a setting that is written into any file comes back, and nothing else of it changes',
    () => {
      const property = fc.property(damaged(yaml), fc.constantFrom(...texts), (before, [key, value]) => {
        let after: string;
        try {
          after = setInFile(before, key, value);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          return;
        }
        const read = (text: string) =>
          readConfigFile({ path: '/c.yaml', text }).map((entry) => [entry.key, entry.text] as const);
        const [fileKey = ''] = settingsTable[key].fileKeys;
        const others = (entries: ReturnType<typeof read>) => entries.filter(([name]) => name !== fileKey);
        expect(read(after).filter(([name]) => name === fileKey)).toHaveLength(1);
        expect(others(read(after)).sort()).toEqual(others(read(before)).sort());
      });
      fc.assert(property, settings());
    },
    timeoutMs,
  );
});

describe('the spool', () => {
  const request: SpooledRequest = {
    ...{ method: 'PUT', apiUrl: 'http://a', path: '/api/v1/tasks/t/status', body: { status: 'PROCESSING' } },
    at: now,
  };
  const box = join(directory, 'spool');

  /** Empties the spool; @returns what was sent */
  async function drain(): Promise<SpooledRequest[]> {
    const sent: SpooledRequest[] = [];
    const send = async (one: SpooledRequest) => {
      sent.push(one);
      return 'sent' as const;
    };
    await drainSpool(box, { apiUrl: 'http://a', now: () => now, send });
    return sent;
  }

  test(
    'a request that was damaged is sent as one, or put aside, and those behind it are sent',
    async () => {
      const samples = [JSON.stringify(request), JSON.stringify({ ...request, key: 'k-1', method: 'POST' })];
      const property = fc.asyncProperty(damaged(samples), async (text) => {
        rmSync(box, { recursive: true, force: true });
        mkdirSync(box);
        writeFileSync(join(box, '000000000000001-1.json'), text);
        spoolRequest(box, request, '2');
        const sent = await drain();
        expect(sent.at(-1)).toEqual(request);
        for (const one of sent) {
          expect(one.path).toMatch(/^\//);
          expect(['POST', 'PUT']).toContain(one.method);
          expect(() => new Headers({ 'idempotency-key': one.key ?? 'none' })).not.toThrow();
        }
        const { waiting, rejected } = spoolState(box);
        expect(sent.length + waiting + rejected).toBe(2);
      });
      await fc.assert(property, settings());
    },
    timeoutMs,
  );

  test(
    'a name that is none of ours is left alone',
    async () => {
      const names = fc.oneof(
        damaged(['000000000000001-1.json', '.sending-1-x.json', '1-1.json.new']),
        fc.string(),
      );
      const property = fc.asyncProperty(names, async (name) => {
        rmSync(box, { recursive: true, force: true });
        mkdirSync(box);
        const safe = name.replace(/[/\0]/g, '_').slice(0, 60).toWellFormed();
        if (/^\.{0,2}$/.test(safe)) return;
        writeFileSync(join(box, safe), 'x');
        expect(await drain()).toEqual([]);
        expect(readdirSync(box).length).toBe(1);
        expect(spoolState(box).oldestAt ?? 0).toSatisfy(Number.isFinite);
      });
      await fc.assert(property, settings(0.5));
    },
    timeoutMs,
  );

  test(
    'a request comes back as it was kept',
    async () => {
      const bodies = fc.dictionary(fc.string(), fc.jsonValue());
      const property = fc.asyncProperty(bodies, fc.string(), async (body, path) => {
        rmSync(box, { recursive: true, force: true });
        const kept: SpooledRequest = { ...request, body, path: `/${path}`, key: 'k' };
        spoolRequest(box, kept, '1');
        expect(await drain()).toEqual([JSON.parse(JSON.stringify(kept))]);
      });
      await fc.assert(property, settings(0.5));
    },
    timeoutMs,
  );
});
