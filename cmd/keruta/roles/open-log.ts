/** The log of programs that live long. */
import type { SettingValues } from '../../../internal/config/table.ts';
import type { ClosableLog } from '../../../pkg/log/winston-log.ts';
import type { CommandContext } from '../command.ts';
import { lineLevelOf } from '../context.ts';

/** When a log file is rotated, and how many are kept. */
const [maxLogBytes, logFiles] = [10 * 1024 * 1024, 5];

/** Opens the log that the settings name: a file that is rotated, else stderr. Close it at the end. */
export async function openLog(context: CommandContext, values: SettingValues): Promise<ClosableLog> {
  const { makeWinstonLog } = await import('../../../pkg/log/winston-log.ts');
  const isText =
    values.logFormat === 'text' ||
    (values.logFormat === 'auto' && values.logFile === null && context.stderr.isTerminal);
  return makeWinstonLog({
    clock: context.clock,
    level: lineLevelOf(values.logLevel),
    format: isText ? 'text' : 'json',
    destination:
      values.logFile === null
        ? { kind: 'writer', write: (line) => context.stderr.write(line) }
        : { kind: 'file', file: values.logFile, maxBytes: maxLogBytes, count: logFiles },
  });
}

/**
 * Runs the work of a role with its log. What nobody caught is logged and ends the process with status 70: a program in
 * an unknown state does not go on.
 */
export async function withLog(
  context: CommandContext,
  values: SettingValues,
  work: (log: ClosableLog) => Promise<number>,
): Promise<number> {
  const log = await openLog(context, values);
  const onBug = (error: unknown) => {
    log.error('a fault in keruta itself', { error });
    void log.close().finally(() => process.exit(70));
  };
  process.on('unhandledRejection', onBug);
  process.on('uncaughtException', onBug);
  try {
    return await work(log);
  } finally {
    process.off('unhandledRejection', onBug);
    process.off('uncaughtException', onBug);
    await log.close();
  }
}
