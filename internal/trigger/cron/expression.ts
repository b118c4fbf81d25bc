/**
 * Reads a cron expression: five fields, or one of five macros. Everything that could surprise later is refused or warned
 * of here, when it is saved, with the field named.
 */
import { InputError } from '../../domain/errors.ts';
import { type CronField, cronFields, cronMacros } from './fields.ts';
import { placeOf } from './hash.ts';

/** An expression that was read. */
export interface CronExpression {
  /** as it was written, spaces made single */
  readonly text: string;
  /** five fields as croner takes them: macros, `H` and `N/step` written out */
  readonly expanded: string;
  /** what may not be what was meant; for people */
  readonly warnings: readonly string[];
}

/** Longest text of an expression; characters. */
export const maxCronLength = 256;

/**
 * Reads an expression.
 * @param triggerId  decides what `H` stands for; without it `H` is refused
 * @throws {InputError} KERUTA_ERR_CRON
 */
export function readCron(text: string, triggerId: string | null = null): CronExpression {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (trimmed.length > maxCronLength)
    throw refused(trimmed.slice(0, 40), `at most ${maxCronLength} characters, got ${trimmed.length}`);
  const macro = trimmed.startsWith('@') ? cronMacros[trimmed.toLowerCase()] : trimmed;
  if (macro === undefined)
    throw refused(trimmed, `five fields or one of ${Object.keys(cronMacros).join(' ')}`);
  const words = macro === '' ? [] : macro.split(' ');
  if (words.length !== cronFields.length) {
    const seconds = words.length === 6 ? '; there is no field for seconds: leave the first one out' : '';
    throw refused(trimmed, `five fields (minute hour day month weekday), got ${words.length}${seconds}`);
  }
  const fields = cronFields.map((field, index) => {
    const word = (words[index] ?? '').toLowerCase();
    return word
      .split(',')
      .map((part) => readPart(trimmed, { field, index, triggerId }, part))
      .join(',');
  });
  return { text: trimmed, expanded: fields.join(' '), warnings: warningsOf(fields) };
}

/** An error about an expression. @param expected  what stands behind “expected” */
export function refused(text: string, expected: string): InputError {
  return new InputError('KERUTA_ERR_CRON', `cron expression "${text}": expected ${expected}`);
}

interface Place {
  readonly field: CronField;
  readonly index: number;
  readonly triggerId: string | null;
}

/** Reads one part of a field's list and gives it as croner takes it. */
function readPart(text: string, place: Place, part: string): string {
  const { field } = place;
  const wrong = (why: string) => refused(text, `${why} in the ${field.name} field, got ${part || 'nothing'}`);
  const [, body = '', stepText] = /^([^/]*)(?:\/([^/]*))?$/.exec(part) ?? [];
  const step = stepText === undefined ? null : Number(/^\d{1,3}$/.exec(stepText)?.[0] ?? Number.NaN);
  const span = field.max - field.min + 1;
  if (step !== null && !(step >= 1 && step <= span)) throw wrong(`a step from 1 to ${span}`);
  const tail = step === null ? '' : `/${step}`;

  if (body === '*' || (body === '?' && isDayField(place))) return `*${tail}`;
  if (body.startsWith('h')) return hashed(place, { body, step, wrong });
  const extra = step === null ? dayExtra(place, body) : null;
  if (extra !== null) return extra;

  const [from = '', to, ...more] = body.split('-');
  const low = numberOf(field, from);
  // a week may also end with its Sunday: fri-sun
  const high = to === undefined ? low : to === 'sun' ? field.max : numberOf(field, to);
  if (low === null || high === null || more.length > 0) throw wrong(rangeWords(field));
  if (low > high) throw wrong(`a range from the smaller to the greater value (${high}-${low} is two ranges)`);
  // croner takes a step behind a range only; everywhere else N/step means N to the end
  const last =
    to === undefined && step !== null
      ? Math.min(field.max, field.name === 'day of week' ? 6 : field.max)
      : high;
  return low === last && step === null ? String(low) : `${low}-${Math.max(low, last)}${tail}`;
}

/** `H`, `H(a-b)`, `H/n`, `H(a-b)/n`. */
function hashed(
  { field, index, triggerId }: Place,
  how: { readonly body: string; readonly step: number | null; readonly wrong: (why: string) => InputError },
): string {
  const match = /^h(?:\((\w+)-(\w+)\))?$/.exec(how.body);
  if (match === null) throw how.wrong('H, H(a-b), H/n or H(a-b)/n');
  if (triggerId === null) throw how.wrong('no H where there is no trigger (--trigger-id)');
  const [, from, to] = match;
  const low = from === undefined ? field.hash[0] : numberOf(field, from);
  const high = to === undefined ? field.hash[1] : numberOf(field, to);
  if (low === null || high === null || low > high) throw how.wrong(rangeWords(field));
  const seed = `${triggerId}\n${index}`;
  if (how.step === null) return String(low + placeOf(seed, high - low + 1));
  if (how.step > high - low + 1) throw how.wrong(`a step from 1 to ${high - low + 1}`);
  return `${low + placeOf(seed, how.step)}-${high}/${how.step}`;
}

function numberOf(field: CronField, word: string): number | null {
  const named = field.names.indexOf(word);
  if (named !== -1) return named + field.min;
  if (!/^\d{1,2}$/.test(word)) return null;
  const value = Number(word);
  return value >= field.min && value <= field.max ? value : null;
}

function isDayField({ field }: Place): boolean {
  return field.name.startsWith('day');
}

/** The last day of the month; the last or n-th weekday of it; the working day nearest to a date. Null: none of these. */
function dayExtra({ field }: Place, body: string): string | null {
  if (field.name === 'day of month')
    return /^(l|([1-9]|[12]\d|3[01])w)$/.test(body) ? body.toUpperCase() : null;
  if (field.name !== 'day of week') return null;
  const [, day = '', which = ''] = /^([a-z]{3}|[0-7])(l|#[1-5l])$/.exec(body) ?? [];
  const value = numberOf(field, day);
  return value === null ? null : `${value}${which.toUpperCase()}`;
}

function rangeWords({ min, max, names }: CronField): string {
  const words = names.length === 0 ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  return `${min} to ${max}${words}, a range, a list or a step`;
}

function warningsOf([minute = '', hour = '', day = '', , weekday = '']: readonly string[]): string[] {
  const warnings: string[] = [];
  if (minute === '*' && hour === '*') warnings.push('runs every minute');
  else if (minute === '*')
    warnings.push(`runs in every minute of the hours ${hour}; for once an hour write 0 ${hour} …`);
  if (day !== '*' && weekday !== '*')
    warnings.push('day of month and day of week are both restricted: it runs when either of them matches');
  return warnings;
}
