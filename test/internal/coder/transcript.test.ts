import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTranscript } from '../../../internal/coder/transcript.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

test('a transcript is there as it is written, for its owner alone', () => {
  const file = join(temporaryDirectory('transcript'), 'a.log');
  const transcript = openTranscript(file);
  transcript.add('one\n');
  transcript.add(Buffer.from('two\n'));
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['one\ntwo\n', 0o600]);
  transcript.close();
  transcript.close();
  transcript.add('late');
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
});

test('of a long one the first and the last pieces stay whole, and the gap says its size', () => {
  const file = join(temporaryDirectory('transcript'), 'a.log');
  const transcript = openTranscript(file, { headBytes: 25, tailBytes: 20, gap: (bytes) => `[${bytes}]\n` });
  for (let at = 0; at < 10; at++) transcript.add(`piece ${at} ..\n`.slice(0, 10));
  transcript.close();
  expect(readFileSync(file, 'utf8')).toBe('piece 0 ..piece 1 ..[60]\npiece 8 ..piece 9 ..');
});

test('a directory that is not there is told as a place that cannot be written', () => {
  expect(() => openTranscript('/no/such/directory/a.log')).toThrow(/cannot be written \(ENOENT\)/);
});
