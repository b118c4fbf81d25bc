import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { jsonLine, textLine } from '../../../pkg/log/log-line.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { makeWinstonLog } from '../../../pkg/log/winston-log.ts';

const at = Date.UTC(2026, 0, 1);
const line = (message: string, fields = {}) => ({ at, level: 'info' as const, message, fields });

describe('a line of the log', () => {
  test('as JSON has time, level, msg and the fields', () => {
    expect(JSON.parse(jsonLine(line('hello', { taskId: 't', msg: 'not this' })))).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      level: 'INFO',
      msg: 'hello',
      taskId: 't',
    });
  });

  test('as text has them too', () => {
    expect(textLine(line('hello', { a: 1, b: 'x y', c: 'plain' }))).toBe(
      '2026-01-01T00:00:00.000Z INFO  hello a=1 b="x y" c=plain',
    );
  });

  test.each([jsonLine, textLine])('cannot be broken or steer a terminal: %o', (write) => {
    const written = write(line('a\r\nb\x1b[31m\x9b', { x: 'c\n\u202e' }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
    expect(written).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(written).toContain('a\\r\\nb');
  });

  const errorIn = (error: Error) => JSON.parse(jsonLine(line('x', { error }))).error;

  test('shows an error with its code and causes', () => {
    const error = Object.assign(new Error('top', { cause: new Error('below') }), { code: 'E_TOP' });
    expect(errorIn(error)).toMatchObject({ message: 'top', code: 'E_TOP', cause: { message: 'below' } });
    expect(errorIn(new Error('x', { cause: 'a text' })).cause).toBe('a text');
  });

  const refused = () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' });
  const away = (cause: Error) => Object.assign(new Error('away', { cause }), { code: 'KERUTA_ERR_X' });

  test('says where nobody’s error came from, below one with a code, too', () => {
    expect(errorIn(new TypeError('x')).stack).toContain('logs.test');
    expect(errorIn(away(new TypeError('x'))).cause.stack).toContain('logs.test');
    expect(errorIn(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })).stack).toContain('at ');
    expect(errorIn(refused()).stack).toContain('logs.test');
  });

  test('leaves that out where a code says what happened', () => {
    const found = errorIn(away(away(refused())));
    expect(JSON.stringify(found)).not.toContain('stack');
    expect(found.cause.cause).toEqual({ name: 'Error', message: 'refused', code: 'ECONNREFUSED' });
  });

  test('that cannot be written as JSON says so instead of throwing', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(jsonLine(line('x', { circle, big: 1n }))).toContain('could not be written');
  });
});

test('a stream log writes lines of its level and above, with its fields', () => {
  const written: string[] = [];
  const log = makeStreamLog({
    clock: new TestClock(at),
    write: (text) => void written.push(text),
    level: 'warn',
    format: 'text',
  }).with({ part: 'x' });
  log.debug('no');
  log.info('no');
  log.warn('yes', { n: 1 });
  log.error('also');
  expect(written).toEqual([
    '2026-01-01T00:00:00.000Z WARN  yes part=x n=1\n',
    '2026-01-01T00:00:00.000Z ERROR also part=x\n',
  ]);
});

describe('the log of long-lived programs', () => {
  const directory = () => {
    const made = mkdtempSync(join(tmpdir(), 'log-'));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };

  test('has written its last line when it is closed', async () => {
    const written: string[] = [];
    const log = makeWinstonLog({
      clock: systemClock,
      level: 'info',
      format: 'json',
      destination: { kind: 'writer', write: async (text) => void written.push(text) },
    });
    for (let n = 0; n < 100; n += 1) log.with({ n }).info('line');
    log.debug('not this');
    await log.close();
    await log.close();
    expect(written).toHaveLength(100);
    expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({ level: 'INFO', msg: 'line', n: 99 });
  });

  test('keeps a file of mode 0600, rotates it, and keeps so many', async () => {
    const file = join(directory(), 'logs', 'a.log');
    const log = makeWinstonLog({
      clock: systemClock,
      level: 'debug',
      format: 'text',
      destination: { kind: 'file', file, maxBytes: 2000, count: 3 },
    });
    for (let n = 0; n < 200; n += 1) {
      log.debug(`line ${n} ${'x'.repeat(40)}`);
      // The file transport rotates between two ticks.
      if (n % 20 === 0) await systemClock.sleep(5);
    }
    log.warn('the last one');
    await log.close();
    const files = readdirSync(join(file, '..')).sort();
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThanOrEqual(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(files.map((name) => readFileSync(join(file, '..', name), 'utf8')).join('')).toContain(
      'the last one',
    );
  });

  test('does not end the program when it cannot write', async () => {
    const log = makeWinstonLog({
      clock: systemClock,
      level: 'info',
      format: 'json',
      destination: { kind: 'writer', write: () => Promise.reject(new Error('gone')) },
    });
    log.info('x');
    await log.close();
  });
});
