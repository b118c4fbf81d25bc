/** How a line of the log looks, whoever carries it. */
import type { LogFields } from './log.ts';

/** Levels of the log, least first. */
export const lineLevels = ['debug', 'info', 'warn', 'error'] as const;
/** @see lineLevels */
export type LineLevel = (typeof lineLevels)[number];

/** One line before it is written. */
export interface LogLine {
  /** epoch ms */
  readonly at: number;
  readonly level: LineLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Writes a line as JSON: `time` (RFC 3339), `level`, `msg`, then the fields. Without the line feed. */
export function jsonLine(line: LogLine): string {
  const { time: _time, level: _level, msg: _msg, ...fields } = line.fields;
  const head = { time: new Date(line.at).toISOString(), level: line.level.toUpperCase(), msg: line.message };
  // JSON leaves DEL, the C1 controls and the marks of direction as they are; a terminal does not.
  return safeJson({ ...head, ...fields }).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    unicodeEscape,
  );
}

/** Writes a line as text: time, level, message, `name=value`. Control characters are escaped. Without the line feed. */
export function textLine(line: LogLine): string {
  const fields = Object.entries(line.fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${fieldText(value)}`);
  const head = `${new Date(line.at).toISOString()} ${line.level.toUpperCase().padEnd(5)}`;
  return escapeControls(`${head} ${line.message}${fields.join('')}`);
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return safeJson(value);
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value, replacer) ?? 'null';
  } catch (error) {
    return JSON.stringify({ msg: `a log line could not be written: ${String(error)}` });
  }
}

function replacer(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorFields(value);
  if (typeof value === 'bigint') return value.toString();
  return value;
}

/**
 * Where an error came from stands in the log when nobody expected it. One with a code of its own says what happened, and so
 * do the coded ones below it: ten lines of our inside for a server that is away would hide everything else.
 */
function errorFields(error: Error, isExplained = false): Record<string, unknown> {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const isCoded = typeof code === 'string' && code !== '' && !code.startsWith('ERR_');
  const hasStack = !isCoded || (!isExplained && isFromSystem(error));
  const below = cause instanceof Error ? errorFields(cause, isCoded) : String(cause);
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(hasStack ? { stack: error.stack } : {}),
    ...(cause === undefined ? {} : { cause: below }),
  };
}

/** A bare error of a system call was forgotten by somebody. `code` ERR_… is Node's word for wrong arguments. */
function isFromSystem(error: Error): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, unicodeEscape);
}

function unicodeEscape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
