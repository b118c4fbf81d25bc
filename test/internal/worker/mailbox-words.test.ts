import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMailbox, encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { parseRequest } from '../../../internal/worker/mailbox-words.ts';

describe('parseRequest', () => {
  test.each([
    ['start', { kind: 'start', message: '' }],
    ['start --message=go', { kind: 'start', message: 'go' }],
    ['progress 50 --message half', { kind: 'progress', progress: 50, message: 'half' }],
    ['progress 0', { kind: 'progress', progress: 0, message: '' }],
    ['success --artifacts-dir /x', { kind: 'success', message: '', artifactsDir: '/x' }],
    ['fail --error-code E1 --no-auto-fix', { kind: 'fail', message: '', errorCode: 'E1', autoFix: false }],
    [
      'fail --retry-after 90',
      { kind: 'fail', message: '', errorCode: '', autoFix: null, retryAfterMs: 90_000 },
    ],
    ['fail --retry-after soon', { kind: 'fail', message: '', errorCode: '', autoFix: null }],
    ['fail --auto-fix --message no', { kind: 'fail', message: 'no', errorCode: '', autoFix: true }],
    ['log warning a b', { kind: 'log', level: 'WARN', message: 'a b' }],
    ['log INFO -- --not-an-option', { kind: 'log', level: 'INFO', message: '--not-an-option' }],
    ['log INFO x --new-option y', { kind: 'log', level: 'INFO', message: 'x' }],
    ['artifact add /t/f --name a/f', { kind: 'artifact', file: '/t/f', description: '', name: 'a/f' }],
    [
      `redact add ${'0'.repeat(36)} --stdout 12 --stderr 7 --name mine`,
      { kind: 'redact', id: '0'.repeat(36), from: { stdout: 12, stderr: 7 }, name: 'mine' },
    ],
    [
      `redact add ${'0'.repeat(36)} --stdout -1 --stderr x`,
      { kind: 'redact', id: '0'.repeat(36), from: { stdout: 0, stderr: 0 }, name: '' },
    ],
    [
      'cost add 0.12 --key k --tokens-in 5 --tokens-out 6 --model m',
      { kind: 'cost', micro: 120_000, key: 'k', tokensIn: 5, tokensOut: 6, model: 'm' },
    ],
    [
      'cost add 1 --key k --tokens-in -5 --tokens-out many',
      { kind: 'cost', micro: 1_000_000, key: 'k', tokensIn: null, tokensOut: null, model: '' },
    ],
    ['cost add 1', null],
    ['cost add -1 --key k', null],
    ['cost remove 1 --key k', null],
  ])('reads %s', (line, expected) => {
    expect(parseRequest(line.split(' '))).toEqual(expected);
  });

  test('reads a question with everything', () => {
    const words = 'ask Which? --key k1 --choices a,b --default a --timeout 1.5 --secret'.split(' ');
    expect(parseRequest(words)).toEqual({
      kind: 'ask',
      question: 'Which?',
      key: 'k1',
      choices: ['a', 'b'],
      fallback: 'a',
      timeoutMs: 1500,
      secret: true,
    });
  });

  test.each([
    '',
    'progress',
    'progress 101',
    'redact add',
    'redact add ../../etc/passwd',
    'redact remove 00000000-0000-4000-8000-000000000000',
    'progress -1',
    'progress 5x',
    'log LOUD x',
    'artifact rm x',
    'artifact add',
    'ask q',
    'ask q --key ../x',
    'ask q --key .x',
    'rm -rf',
  ])('passes over %j', (line) => {
    expect(parseRequest(line.split(' '))).toBeNull();
  });

  test('any text survives the way through the mailbox as the value of an option', () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter(
        (value) =>
          ['\u001e', '\u001f', '\ufeff'].every((one) => !value.includes(one)) && value.isWellFormed(),
      );
    fc.assert(
      fc.property(text, text, (message, errorCode) => {
        const words = ['fail', `--message=${message}`, '--error-code', errorCode];
        const { records } = decodeMailbox(encodeMailboxRecord(words), 0);
        expect(parseRequest(records[0]!.words)).toEqual({ kind: 'fail', message, errorCode, autoFix: null });
      }),
      { numRuns: 50 },
    );
  });

  test('never throws, whatever the words are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('ask', 'log', '--key', '--', 'artifact'))),
        (words) => {
          parseRequest(words);
        },
      ),
    );
  });
});
