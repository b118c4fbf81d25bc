/** The log of programs that live long. */
import type { SettingValues } from '../../../internal/config/table.ts';
import { exitStatusOf } from '../../../internal/domain/errors.ts';
import { maskedLog } from '../../../pkg/log/masked-log.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import type { ClosableLog } from '../../../pkg/log/winston-log.ts';
import type { CommandContext } from '../command.ts';
import { lineLevelOf } from '../context.ts';
import { ownMask } from '../own-mask.ts';

/** When a log file is rotated, and how many are kept. */
export const [maxLogBytes, logFiles] = [10 * 1024 * 1024, 5];

/**
 * Opens the log that the settings name: a file that is rotated, else stderr. Nothing that is secret in the environment or the
 * settings gets into it. Close it at the end.
 */
export async function openLog(context: CommandContext, values: SettingValues): Promise<ClosableLog> {
  const log = await openPlainLog(context, values);
  return { ...maskedLog(log, ownMask(context.env, values)), close: () => log.close() };
}

async function openPlainLog(context: CommandContext, values: SettingValues): Promise<ClosableLog> {
  const isText =
    values.logFormat === 'text' ||
    (values.logFormat === 'auto' && values.logFile === null && context.stderr.isTerminal);
  const { clock } = context;
  const [level, format] = [lineLevelOf(values.logLevel), isText ? ('text' as const) : ('json' as const)];
  if (values.logFile === null) {
    let last: Promise<void> = Promise.resolve();
    const write = (line: string) => {
      last = context.stderr.write(line);
    };
    return { ...makeStreamLog({ clock, level, format, write }), close: () => last };
  }
  // only a file needs rotation, and so the package that does it
  const { makeWinstonLog } = await import('../../../pkg/log/winston-log.ts');
  const destination = { kind: 'file' as const, file: values.logFile, maxBytes: maxLogBytes, count: logFiles };
  return makeWinstonLog({ clock, level, format, destination });
}

const bug = 'a fault in keruta itself';

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
    log.error(bug, { error });
    void log.close().finally(() => process.exit(70));
  };
  process.on('unhandledRejection', onBug);
  process.on('uncaughtException', onBug);
  try {
    return await work(log);
  } catch (error) {
    // what the work itself did not foresee must stand in the log as well, and no further than there when that is stderr
    if (exitStatusOf(error) !== 70) throw error;
    log.error(bug, { error });
    if (values.logFile !== null) throw error;
    return 70;
  } finally {
    process.off('unhandledRejection', onBug);
    process.off('uncaughtException', onBug);
    await log.close();
  }
}
