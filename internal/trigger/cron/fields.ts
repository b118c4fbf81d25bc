/** The five fields of a cron expression: which values and words each takes. */

/** One field. */
export interface CronField {
  /** for messages */
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** values from which `H` chooses: every month has them */
  readonly hash: readonly [number, number];
  /** three-letter names, the first for `min` */
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** In their order on the line. Of a weekday 0 and 7 are Sunday, 1 is Monday. */
export const cronFields: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, hash: [0, 59], names: [] },
  { name: 'hour', min: 0, max: 23, hash: [0, 23], names: [] },
  { name: 'day of month', min: 1, max: 31, hash: [1, 28], names: [] },
  { name: 'month', min: 1, max: 12, hash: [1, 12], names: months },
  { name: 'day of week', min: 0, max: 7, hash: [0, 6], names: weekdays },
];

/** Short names of whole expressions. */
export const cronMacros: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};
