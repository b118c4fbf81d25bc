/** Levels of a structured log line, least first. */
export const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
/** @see logLevels */
export type LogLevel = (typeof logLevels)[number];

const otherNames: Readonly<Record<string, LogLevel>> = {
  TRACE: 'DEBUG',
  WARNING: 'WARN',
  PANIC: 'FATAL',
  CRITICAL: 'FATAL',
};

/** Reads a level in any case, and the names other loggers use; null when it is none. */
export function parseLogLevel(text: string): LogLevel | null {
  const name = text.trim().toUpperCase();
  return logLevels.find((level) => level === name) ?? otherNames[name] ?? null;
}
