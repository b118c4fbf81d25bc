/** The log of programs that live long: the one door of winston. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import winston from 'winston';
import type { Clock } from '../clock/clock.ts';
import type { Log, LogFields } from './log.ts';
import { jsonLine, type LineLevel, textLine } from './log-line.ts';

/** Where a log goes. A file is rotated: at `maxBytes` it becomes `name1.log`, and `count` of them are kept. */
export type LogDestination =
  | {
      readonly kind: 'writer';
      /** takes one line with its line feed; resolves when it was taken */
      readonly write: (line: string) => Promise<void>;
    }
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly maxBytes: number;
      readonly count: number;
    };

/** What the log is made from. */
export interface WinstonLogParts {
  readonly clock: Clock;
  readonly destination: LogDestination;
  /** least level that is written */
  readonly level: LineLevel;
  readonly format: 'json' | 'text';
}

/** A log that must be closed, so that its last lines are written. */
export interface ClosableLog extends Log {
  /** Writes what is left and closes; at most one second. Later lines are lost; the second call does nothing. */
  close(): Promise<void>;
}

/** How long the last lines may take; ms. */
const flushLimitMs = 1000;

/** Opens a log. The directory of a file is made (0700), the file itself is 0600. */
export function makeWinstonLog(parts: WinstonLogParts): ClosableLog {
  const transport = makeTransport(parts.destination);
  const line = winston.format.printf((info) => {
    const entry = {
      at: parts.clock.now(),
      level: info.level as LineLevel,
      message: String(info.message),
      fields: (info.fields ?? {}) as LogFields,
    };
    return parts.format === 'json' ? jsonLine(entry) : textLine(entry);
  });
  const logger = winston.createLogger({
    level: parts.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: line,
    transports: [transport],
    exitOnError: false,
  });
  // A log that cannot be written must not end the program that it is about.
  logger.on('error', () => {});

  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= new Promise<void>((resolve) => {
      const cancel = parts.clock.after(flushLimitMs, resolve);
      transport.once('finish', () => {
        cancel();
        resolve();
      });
      logger.end();
    });
    return closing;
  };
  const put = (bound: LogFields): Log => ({
    debug: (message, fields) => void logger.log({ level: 'debug', message, fields: { ...bound, ...fields } }),
    info: (message, fields) => void logger.log({ level: 'info', message, fields: { ...bound, ...fields } }),
    warn: (message, fields) => void logger.log({ level: 'warn', message, fields: { ...bound, ...fields } }),
    error: (message, fields) => void logger.log({ level: 'error', message, fields: { ...bound, ...fields } }),
    with: (fields) => put({ ...bound, ...fields }),
  });
  return { ...put({}), close };
}

function makeTransport(destination: LogDestination): winston.transport {
  if (destination.kind === 'writer') {
    const stream = new Writable({
      decodeStrings: false,
      // A log that cannot be written must not end the program: the line is lost.
      write: (line, _encoding, done) => {
        destination.write(String(line)).then(
          () => done(),
          () => done(),
        );
      },
    });
    return new winston.transports.Stream({ stream, eol: '\n' });
  }
  mkdirSync(dirname(destination.file), { recursive: true, mode: 0o700 });
  return new winston.transports.File({
    filename: destination.file,
    maxsize: destination.maxBytes,
    maxFiles: destination.count,
    tailable: true,
    options: { flags: 'a', mode: 0o600 },
  });
}
