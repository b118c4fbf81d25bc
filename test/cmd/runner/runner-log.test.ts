import { expect, test } from 'vitest';
import { runnerLog } from '../../../cmd/keruta/runner/runner-log.ts';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

/** What a runner of this configuration writes when it says something of each level. */
function written(file: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}) {
  const lines: string[] = [];
  const stderr = {
    write: (text: string) => {
      lines.push(text);
      return Promise.resolve();
    },
    isTerminal: false,
  };
  const { log: wanted } = readRunnerConfig({ value: file, file: 'runner.yaml', env });
  const context = { clock: new TestClock(), stderr } as unknown as Parameters<typeof runnerLog>[0];
  const log = runnerLog(context, wanted, [{ name: 'KEY', value: 'a-secret-key' }]);
  log.debug('looked');
  log.info('fetched', { from: 'https://me:a-secret-key@host' });
  log.warn('away');
  log.error('over');
  return lines;
}

test('is JSON, a line each, from INFO on, when nobody says anything', () => {
  const lines = written({}).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['INFO', 'fetched'],
    ['WARN', 'away'],
    ['ERROR', 'over'],
  ]);
  expect(lines[0]).toMatchObject({ from: `https://me:${'*'.repeat(12)}@host` });
});

test('is text with structured_logging: false, still without secrets', () => {
  const [line = '', ...more] = written({ structured_logging: false, log_level: 'INFO' });
  expect(line).toMatch(/^\d{4}-\S+ INFO {2}fetched from="?https:\/\/me:\*{12}@host"?\n$/);
  expect(more).toHaveLength(2);
});

test.each([
  ['DEBUG', 4],
  ['WARN', 2],
  ['ERROR', 1],
])('begins with the level %s of the file, or of RUNNER_LOG_LEVEL', (level, count) => {
  expect(written({ log_level: level })).toHaveLength(count);
  expect(written({ log_level: 'INFO' }, { RUNNER_LOG_LEVEL: level })).toHaveLength(count);
});
