import type { RunnerConfig } from '../../../internal/runner/runner.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { LineLevel } from '../../../pkg/log/log-line.ts';
import { maskedLog } from '../../../pkg/log/masked-log.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { makeRedactor, type NamedSecret } from '../../../pkg/redact/redactor.ts';
import type { CommandContext } from '../command.ts';

const levels: Readonly<Record<RunnerConfig['log']['level'], LineLevel>> = {
  ...{ DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' },
};

/** The log of a runner: on stderr, from the level and in the shape that its configuration says, with no secret in it. */
export function runnerLog(
  { clock, stderr }: Pick<CommandContext, 'clock' | 'stderr'>,
  { level, isStructured }: RunnerConfig['log'],
  secrets: readonly NamedSecret[],
): Log {
  const log = makeStreamLog({
    clock,
    level: levels[level],
    format: isStructured ? 'json' : 'text',
    write: (line) => void stderr.write(line),
  });
  return maskedLog(log, makeRedactor(secrets).text);
}
