/** The log of programs that live long: the one door of winston. */
import { Writable } from 'node:stream';
import winston from 'winston';
import type { Clock } from '../clock/clock.ts';
import type { Log, LogFields } from './log.ts';
import { jsonLine, type LineLevel, textLine } from './log-line.ts';
import { RotatingFile } from './rotating-file.ts';

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
  /** Writes what is left and closes; see `flushLimitMs`. Later lines are lost; the second call does nothing. */
  close(): Promise<void>;
}

/** How long the last lines may take; ms. A reader may never read; a disk is slow only while others use it. */
const flushLimitMs = { writer: 1_000, file: 5_000 };

/** Opens a log. The directory of a file is made (0700), the file itself is 0600. */
export function makeWinstonLog(parts: WinstonLogParts): ClosableLog {
  const stream = makeStream(parts.destination);
  const transport = new winston.transports.Stream({ stream, eol: '\n' });
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
      const cancel = parts.clock.after(flushLimitMs[parts.destination.kind], resolve);
      transport.once('finish', () => {
        stream.end(() => {
          cancel();
          resolve();
        });
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

function makeStream(destination: LogDestination): Writable {
  // Not the file transport of winston: that one falls silent for good when a single line could not be written.
  const file = destination.kind === 'file' ? new RotatingFile(destination) : null;
  const write = destination.kind === 'file' ? (line: string) => file?.write(line) : destination.write;
  return new Writable({
    decodeStrings: false,
    // A log that cannot be written must not end the program: the line is lost.
    write: (line, _encoding, done) => {
      Promise.resolve(write(String(line))).then(
        () => done(),
        () => done(),
      );
    },
    final: (done) => {
      Promise.resolve(file?.close()).then(() => done(), done);
    },
  });
}
