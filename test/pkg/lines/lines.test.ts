import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeLineSplitter } from '../../../pkg/lines/lines.ts';

const split = (bytes: Uint8Array, pieceBytes: number, maxLineBytes?: number) => {
  const splitter = makeLineSplitter(maxLineBytes);
  const lines = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    lines.push(...splitter.push(bytes.subarray(at, at + pieceBytes)));
  return [...lines, ...splitter.end()];
};

describe('a line splitter', () => {
  test('gives lines without their ends, keeps blank ones, and counts every byte', () => {
    expect(split(Buffer.from('a\n\r\n\nb\r\nc'), 3)).toEqual([
      { text: 'a', continues: false, bytes: 2 },
      { text: '', continues: false, bytes: 2 },
      { text: '', continues: false, bytes: 1 },
      { text: 'b', continues: false, bytes: 3 },
      { text: 'c', continues: false, bytes: 1 },
    ]);
  });

  test('keeps the beginning of a line until its end comes', () => {
    const splitter = makeLineSplitter();
    expect(splitter.push(Buffer.from('half'))).toEqual([]);
    expect(splitter.pendingBytes).toBe(4);
    expect(splitter.push(Buffer.from(' a line\n'))[0]?.text).toBe('half a line');
    expect([splitter.pendingBytes, splitter.end()]).toEqual([0, []]);
  });

  test('gives a line over the bound in pieces that say they go on, never inside a character', () => {
    const lines = split(Buffer.from('あいう\n'), 100, 5);
    expect(lines.map((line) => [line.text, line.continues])).toEqual([
      ['あ', true],
      ['い', true],
      ['う', false],
    ]);
  });

  test('shows bytes that are no UTF-8 as U+FFFD', () => {
    expect(split(Buffer.from([0xff, 0x41, 10]), 9)[0]?.text).toBe('\ufffdA');
    expect(split(Buffer.alloc(10, 0x80), 10, 4).reduce((sum, line) => sum + line.bytes, 0)).toBe(10);
  });

  test('gives the same text however the bytes are cut, and loses none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 7 }), (text, pieceBytes) => {
        const plain = text.replaceAll('\r', '');
        const bytes = Buffer.from(plain);
        const lines = split(bytes, pieceBytes);
        expect(lines.map((line) => line.text).join('\n')).toBe(plain.replace(/\n$/, ''));
        expect(lines.reduce((sum, line) => sum + line.bytes, 0)).toBe(bytes.length);
      }),
    );
  });
});
