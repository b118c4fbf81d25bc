import { expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { maskedLog } from '../../../pkg/log/masked-log.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';

test('a masked log masks messages, fields at any depth, and errors with their causes and codes', () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const plain = makeStreamLog({ clock: systemClock, write, level: 'debug', format: 'json' });
  const log = maskedLog(plain, (text) => text.replaceAll('secret', '******'));
  const cause = Object.assign(new Error('cause: secret'), { code: 'E_secret' });
  const round: Record<string, unknown> = { in: 'secret' };
  round.self = round;
  log.with({ by: 'secret' }).warn('a secret', {
    secret: 1,
    list: ['a secret', { deep: 'secret' }],
    at: new Date(0),
    round,
    error: new TypeError('the secret', { cause }),
  });
  log.info('nothing', { error: 'secret', n: 5, none: null });
  log.info('the secret', { n: 5 });
  log.info('nothing', { secret: 'x' });
  log.info('nothing');
  expect(lines.join('')).not.toContain('secret');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'WARN',
    msg: 'a ******',
    by: '******',
    list: ['a ******', { deep: '******' }],
    at: '1970-01-01T00:00:00.000Z',
    error: {
      name: 'TypeError',
      message: 'the ******',
      cause: { message: 'cause: ******', code: 'E_******' },
    },
  });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ msg: 'nothing', error: '******', n: 5, none: null });
  expect(lines.slice(2).map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'the ******', n: 5 },
    { msg: 'nothing', '******': 'x' },
    { msg: 'nothing' },
  ]);
});
