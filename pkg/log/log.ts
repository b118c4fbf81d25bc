/** The program's own log, as every part sees it. Fields are data: they never become part of the message. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  with(fields: LogFields): Log;
}

/** Values beside the message; an Error under `error` is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log that goes nowhere, for tests and for commands that have nothing to say. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
};
