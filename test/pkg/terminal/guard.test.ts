import { describe, expect, test } from 'vitest';
import { TerminalGuard } from '../../../pkg/terminal/guard.ts';

const guarded = (...pieces: readonly string[]) => {
  const guard = new TerminalGuard();
  return pieces.map((piece) => guard.push(piece)).join('') + guard.end();
};

describe('TerminalGuard', () => {
  test('leaves plain text, line ends, tabs and returns alone', () => {
    const text = 'a\tb\r\n50 %\r100 %\nあ é 👍\n';
    expect(guarded(text)).toBe(text);
  });

  test('leaves colours and ends them', () => {
    expect(guarded('\u001b[1;38:5:2mgreen')).toBe('\u001b[1;38:5:2mgreen\u001b[0m');
  });

  test.each([
    ['a title', '\u001b]0;owned\u0007', '\\x1b]0;owned\\x07'],
    ['the clipboard', '\u001b]52;c;cm0=\u001b\\', '\\x1b]52;c;cm0=\\x1b\\'],
    ['a link', '\u001b]8;;http://x\u0007y', '\\x1b]8;;http://x\\x07y'],
    ['a cleared screen', '\u001b[2J\u001b[H', '\\x1b[2J\\x1b[H'],
    ['a question to the terminal', '\u001b[6n\u001b[c', '\\x1b[6n\\x1b[c'],
    ['eight-bit controls', '\u009b2J\u009d0;t\u009c', '\\x9b2J\\x9d0;t\\x9c'],
    ['a backspace', 'abc\b\b\bxyz', 'abc\\x08\\x08\\x08xyz'],
    ['a turned direction of writing', 'a\u202eb', 'a\\u202eb'],
  ])('shows %s as text', (_what, text, shown) => {
    expect(guarded(text)).toBe(shown);
    expect(guarded(...text)).toBe(shown);
  });

  test('puts a colour together that came in pieces, and shows one that never ends', () => {
    expect(guarded('a\u001b', '[3', '1', 'mb')).toBe('a\u001b[31mb\u001b[0m');
    expect(guarded('a\u001b[31')).toBe('a\\x1b[31');
    expect(guarded('\u001b[', '1'.repeat(100), 'm')).toBe(`\\x1b[${'1'.repeat(100)}m`);
  });
});
