/** What a server, a proxy in front of it, git, and a script on its way to a terminal may send. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorOfAnswer, readErrorBody, readOffset } from '../../internal/api/answer-error.ts';
import { isReadable } from '../../internal/api/readable.ts';
import { isRetryable, retryDelayMs } from '../../internal/api/retryable.ts';
import { artifactShape, logShape, sessionShape, taskShape } from '../../internal/api/shapes.ts';
import {
  listOf,
  tolerantArtifact,
  tolerantLog,
  tolerantSession,
  tolerantTask,
} from '../../internal/api/tolerant.ts';
import { parseDiff } from '../../internal/commit-gate/parse-diff.ts';
import { isErrorCode, KerutaError } from '../../internal/domain/errors.ts';
import { parseJson } from '../../internal/server/parse-json.ts';
import { TestClock } from '../../pkg/clock/test-clock.ts';
import type { Git } from '../../pkg/git/git.ts';
import { parseRef } from '../../pkg/git/ref-name.ts';
import { askRemote, pickRef } from '../../pkg/git/remote.ts';
import { parseRepositoryUrl } from '../../pkg/git/repository-url.ts';
import { parseStatus } from '../../pkg/git/work-tree.ts';
import { makeSseParser, SseTooLargeError } from '../../pkg/http/sse.ts';
import { makeLineSplitter } from '../../pkg/lines/lines.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { TerminalGuard } from '../../pkg/terminal/guard.ts';
import { cutTo, visible, widthOf } from '../../pkg/terminal/text.ts';
import { damaged, fuzzParsers, row, settings } from './parsers.ts';

const task =
  '{"id":"t","sessionId":"s","title":"n","script":"true","status":"in_progress","progress":5,"createdAt":[2026,1,2,3,4],"usage":null,"parameters":{"a":1},"exitCode":null,"completedAt":1767323045}';
const session =
  '{"id":7,"name":"s","status":"active","tags":["a"],"repositoryURL":"https://a/b","templateConfig":{"parameters":{"a":"b"}},"createdAt":"2026-01-02 03:04"}';
const refusal =
  '{"error":{"code":"KERUTA_ERR_TASK_NOT_FOUND","message":"no","status":404,"details":{"offset":5,"retryAfterMs":10}},"message":"no","meta":{"timestamp":"","version":""}}';
const page = '<!doctype html><title>Sign in</title>';

/** JSON or nothing, as the transport gives it to the shapes. */
const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
const shapes = [
  ['a session', session, tolerantSession, sessionShape],
  ['a task', task, tolerantTask, taskShape],
  [
    'a line of a log',
    '{"id":1,"level":"INFO","message":"m","metadata":{},"timestamp":"x"}',
    tolerantLog,
    logShape,
  ],
  ['an artifact', '{"id":"a","filename":"x","size":1,"mimeType":"a/b"}', tolerantArtifact, artifactShape],
] as const;

fuzzParsers('answers of an API', [
  ...shapes.map(([name, sample, tolerant, strict]) =>
    row({
      name,
      samples: [sample],
      parse: (text) => [
        tolerant.safeParse(json(text)),
        listOf<unknown>(tolerant).safeParse(json(`{"content":[${text}]}`)),
      ],
      check: ([one]) => {
        if (one?.success) expect(strict.safeParse(one.data).error).toBeUndefined();
      },
    }),
  ),
  row({ name: 'a body that may be none', samples: [task, page, '[]'], parse: isReadable }),
  row({
    name: 'Upload-Offset',
    samples: ['4096', '0'],
    parse: readOffset,
    check: (n) => expect(n ?? 0).toSatisfy(Number.isSafeInteger),
  }),
  row({
    name: 'the body of an error',
    samples: [refusal, '{"error":"Not Found","message":"x"}', '[]', page],
    parse: readErrorBody,
    check: ({ code, message }) =>
      expect([code === null ? 'string' : typeof code, typeof message]).toEqual(['string', 'string']),
  }),
  row({
    name: 'a refusal',
    samples: [refusal, page, ''],
    parse: (text) => {
      const about = { method: 'GET', url: 'http://a/x', body: text, now: 0 } as const;
      const codes = {
        notFound: 'KERUTA_ERR_TASK_NOT_FOUND',
        conflict: 'KERUTA_ERR_OFFSET_MISMATCH',
      } as const;
      const headers = { 'retry-after': text, 'upload-offset': text, location: text };
      return [302, 400, 401, 404, 409, 429, 500].map((status) =>
        errorOfAnswer({ ...about, ...codes, headers, status }),
      );
    },
    check: (errors) => {
      for (const error of errors) {
        expect(error).toBeInstanceOf(KerutaError);
        expect(isErrorCode(error.code)).toBe(true);
        expect(error.details.status).toBeTypeOf('number');
        const delayMs = retryDelayMs(
          { clock: new TestClock(), random: systemRandom, retries: null },
          1,
          error,
        );
        expect(delayMs).toSatisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 0 && ms <= 600_000);
        expect(isRetryable(error)).toBeTypeOf('boolean');
      }
    },
  }),
  row({
    name: 'a body that a server gets',
    samples: [task, session, '{"__proto__":{"polluted":1}}', '{"a":"\\u0063onstructor"}'],
    parse: parseJson,
    refusals: [KerutaError],
  }),
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with ESC
const colour = /\u001b\[[0-9;:]{0,60}m/g;
const events = 'event: log\nid: 1\ndata: {"a":1}\ndata: b\n\nretry: 500\n\n: beat\r\ndata\r\n\r\n';

fuzzParsers('streams', [
  row({
    name: 'events',
    samples: [events, 'data: x\r\r'],
    parse: (text) => {
      const parser = makeSseParser(256 * 1024);
      return { events: parser.push(Buffer.from(text)), retryMs: parser.retryMs };
    },
    refusals: [SseTooLargeError],
    check: ({ events: read, retryMs }) => {
      for (const one of read) expect([one.event, one.id].join('')).not.toMatch(/[\r\n]/);
      for (const one of read) expect(one.id).not.toContain('\0');
      expect(retryMs ?? 0).toSatisfy(Number.isSafeInteger);
    },
  }),
  row({
    name: 'lines',
    samples: ['one\ntwo\r\nthree', 'ü'.repeat(40)],
    parse: (text) => {
      const splitter = makeLineSplitter(1024);
      return [...splitter.push(Buffer.from(text)), ...splitter.end()];
    },
    check: (lines, text) => {
      expect(lines.reduce((sum, line) => sum + line.bytes, 0)).toBe(Buffer.byteLength(text));
      for (const line of lines) expect(line.text).not.toContain('\n');
    },
  }),
  row({
    name: 'what a terminal shows',
    maxLength: 256 * 1024,
    samples: ['\u001b[31mred\u001b[0m', '\u001b]0;title\u0007', '\u001b]8;;http://x\u001b\\link', 'a\u202eb'],
    parse: (text) => {
      const guard = new TerminalGuard();
      return [guard.push(text) + guard.end(), visible(text), cutTo(visible(text).slice(0, 500), 20)] as const;
    },
    check: ([guarded, shown, cut]) => {
      expect(guarded.replace(colour, '')).not.toMatch(/[^\P{Cc}\n\r\t]|[\u202a-\u202e\u2066-\u2069]/u);
      expect(shown).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
      expect(widthOf(cut)).toBeLessThanOrEqual(20);
    },
  }),
]);

const id = 'a'.repeat(40);
const refs = `ref: refs/heads/main\tHEAD\n${id}\tHEAD\n${id}\trefs/heads/main\n${id}\trefs/x/refs/heads/main\n`;
const url = parseRepositoryUrl('https://a.example/x.git', { allowLocal: false });
const diff =
  'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ f\n one\n-two\n+two b\n+three\n\\ No newline at end of file\n';

fuzzParsers('output of git', [
  row({
    name: 'the refs of a remote',
    samples: [refs],
    parse: async (text) => {
      const git = {
        parts: { privateDirectory: '/' },
        remote: async () => ({ stdout: text }),
      } as unknown as Git;
      const remote = await askRemote(git, { url, wanted: parseRef('main') } as Parameters<
        typeof askRemote
      >[1]);
      return [pickRef(remote, parseRef('main')), pickRef(remote, { kind: 'head' })];
    },
    check: ([branch, head]) => {
      if (branch)
        expect(branch).toEqual({ name: expect.stringMatching(/^refs\/(heads|tags)\/main$/), id: branch.id });
      for (const one of [branch, head]) expect(one?.id ?? id).toMatch(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
    },
  }),
  row({
    name: 'the state of a work tree',
    samples: [
      `# branch.oid ${id}\0# branch.head main\x001 .M N... 100644 100644 100644 ${id} ${id} a b\x00? x\x00`,
      '2 R. x\0old\0u x\0',
    ],
    parse: parseStatus,
    check: ({ commit, changes }) => {
      expect(commit ?? id).toMatch(/^[0-9a-f]{40,64}$/);
      for (const path of changes) expect(path).not.toContain('\0');
    },
  }),
  row({
    name: 'a diff',
    samples: [diff, diff.replace('b/x\n@@', '"b/\\303\\274 x"\n@@'), '@@ -0,0 +1 @@\n+x\n'],
    parse: parseDiff,
    check: (files) => {
      for (const { path, lines } of files ?? []) {
        expect(path).toBeTypeOf('string');
        for (const { number, text } of lines) {
          expect(number).toSatisfy(Number.isSafeInteger);
          expect(text).not.toContain('\n');
        }
      }
    },
  }),
]);

describe('pieces of a stream', () => {
  const cut = fc.tuple(damaged([events, '\u001b[31mred\u001b[0m\r\n\u001b]0;x\u0007']), fc.nat());

  test('events are the same however the stream is cut', () => {
    const property = fc.property(cut, ([text, place]) => {
      const bytes = Buffer.from(text);
      const at = place % (bytes.length + 1);
      const [whole, pieces] = [makeSseParser(), makeSseParser()];
      const wanted = whole.push(bytes);
      expect([...pieces.push(bytes.subarray(0, at)), ...pieces.push(bytes.subarray(at))]).toEqual(wanted);
    });
    fc.assert(property, settings(2));
  });

  test('what a terminal gets is the same however it is cut', () => {
    const property = fc.property(cut, ([text, place]) => {
      const at = place % (text.length + 1);
      const [whole, pieces] = [new TerminalGuard(), new TerminalGuard()];
      const wanted = whole.push(text) + whole.end();
      expect(pieces.push(text.slice(0, at)) + pieces.push(text.slice(at)) + pieces.end()).toBe(wanted);
    });
    fc.assert(property, settings(2));
  });
});
