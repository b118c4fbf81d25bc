import { describe, expect, test } from 'vitest';
import { progressBar, StatusLine } from '../../../pkg/terminal/progress.ts';
import { makeStyle, wantsColours } from '../../../pkg/terminal/style.ts';
import { cutTo, visible, widthOf } from '../../../pkg/terminal/text.ts';

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
])('with %j on a terminal (%s) colours are %s', (env, isTerminal, on) => {
  expect(wantsColours(env, isTerminal)).toBe(on);
});

test('a style that is off changes nothing', () => {
  expect(makeStyle(false).red('x')).toBe('x');
  expect(makeStyle(true).red('x')).toBe('\x1b[31mx\x1b[39m');
  expect(makeStyle(true).red('')).toBe('');
});

describe('text', () => {
  test('controls become visible', () =>
    expect(visible('a\r\n\t\x1b\x9b\u2066b')).toBe('a\\r\\n\\t\\x1b\\x9b\\u2066b'));
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['🚀', 2],
    ['e\u0301', 1],
    ['\x1b[31mx\x1b[39m', 1],
  ])('%j is %d wide', (text, width) => expect(widthOf(text)).toBe(width));
  test('is cut at whole characters', () => {
    expect(cutTo('日本語', 5)).toBe('日本…');
    expect(cutTo('abc', 3)).toBe('abc');
  });
});

describe('progress', () => {
  test.each([-5, 0, 50, 100, 900, 33.4])('a bar for %d fits its line', (percent) => {
    const bar = progressBar(percent, 'a message that is longer than there is room for, by far', 60);
    expect(widthOf(bar)).toBeLessThanOrEqual(60);
    expect(bar).toContain(`${Math.min(100, Math.max(0, Math.round(percent)))} %`);
  });

  test('a message is left out where there is no room', () =>
    expect(progressBar(50, 'x', 12)).not.toContain('x'));

  test('a status line is drawn over and over, and taken away', async () => {
    const written: string[] = [];
    const line = new StatusLine(async (text) => void written.push(text));
    await line.clear();
    await line.show('a');
    await line.show('a');
    await line.show('b');
    await line.clear();
    expect(written).toEqual(['\r\x1b[2Ka', '\r\x1b[2Kb', '\r\x1b[2K']);
  });
});
