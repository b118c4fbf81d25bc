import type { Log, LogFields } from './log.ts';

/**
 * A log that masks every text before it goes on: the message, all values and names of fields, and errors with their
 * causes.
 *
 * @param mask  applied to each text; anything it learns later counts from the next line on
 */
export function maskedLog(log: Log, mask: (text: string) => string): Log {
  const put = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    const texts = plainTexts(message, fields);
    // masking many short texts costs more than all the rest of a line, and there is hardly ever something in them
    const isClean = texts !== null && mask(texts) === texts;
    if (isClean) log[level](message, fields);
    else log[level](mask(message), fields === undefined ? undefined : masked(fields, mask));
  };
  return {
    debug: put('debug'),
    info: put('info'),
    warn: put('warn'),
    error: put('error'),
    with: (fields) => maskedLog(log.with(masked(fields, mask)), mask),
  };
}

/** All texts of a line in one, when nothing stands in it but texts, numbers and the like; else null. */
function plainTexts(message: string, fields: LogFields = {}): string | null {
  const texts = [message];
  for (const [name, value] of Object.entries(fields)) {
    texts.push(name);
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) return null;
  }
  return texts.join('\0');
}

/** Deeper than this nothing is written; a value that holds itself ends here too. */
const mostLevels = 10;

function masked(fields: LogFields, mask: (text: string) => string): LogFields {
  return maskValue(fields, mask, 0) as LogFields;
}

function maskValue(value: unknown, mask: (text: string) => string, level: number): unknown {
  if (typeof value === 'string') return mask(value);
  if (typeof value !== 'object' || value === null) return value;
  if (level > mostLevels) return '…';
  if (value instanceof Error) return maskError(value, mask, level);
  if (Array.isArray(value)) return value.map((item) => maskValue(item, mask, level + 1));
  // dates and the like say themselves what they look like
  if ('toJSON' in value) return maskValue(JSON.parse(JSON.stringify(value)), mask, level + 1);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [mask(name), maskValue(item, mask, level + 1)]),
  );
}

/** A copy with what a log writes of an error. */
function maskError(error: Error, mask: (text: string) => string, level: number): Error {
  const { cause, code, syscall } = error as { cause?: unknown; code?: unknown; syscall?: unknown };
  const options = cause === undefined ? {} : { cause: maskValue(cause, mask, level + 1) };
  const copy = new Error(mask(error.message), options);
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = mask(error.stack);
  const marks = { code: maskValue(code, mask, level + 1), syscall };
  return code === undefined ? copy : Object.assign(copy, marks);
}
