import type { Clock } from '../clock/clock.ts';
import type { Log, LogFields } from './log.ts';
import { jsonLine, type LineLevel, lineLevels, textLine } from './log-line.ts';

/** What a log to a stream is made from. */
export interface StreamLogParts {
  readonly clock: Clock;
  /** takes one line with its line feed; must not throw */
  readonly write: (line: string) => void;
  /** least level that is written */
  readonly level: LineLevel;
  readonly format: 'json' | 'text';
  readonly fields?: LogFields;
}

/** A log for programs that live for a moment: writes each line at once and loads nothing. */
export function makeStreamLog(parts: StreamLogParts): Log {
  const least = lineLevels.indexOf(parts.level);
  const put = (level: LineLevel) => (message: string, fields?: LogFields) => {
    if (lineLevels.indexOf(level) < least) return;
    const line = { at: parts.clock.now(), level, message, fields: { ...parts.fields, ...fields } };
    parts.write(`${parts.format === 'json' ? jsonLine(line) : textLine(line)}\n`);
  };
  return {
    debug: put('debug'),
    info: put('info'),
    warn: put('warn'),
    error: put('error'),
    with: (fields) => makeStreamLog({ ...parts, fields: { ...parts.fields, ...fields } }),
  };
}
