/** How sessions, tasks and the rest are shown to people. */
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import { type Column, formatTable } from '../../../pkg/table/table.ts';
import { makeStyle, type Style, wantsColours } from '../../../pkg/terminal/style.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';

/** The style of stdout. */
export function styleOf(context: CommandContext): Style {
  return makeStyle(wantsColours(context.env, context.stdout.isTerminal));
}

/** Prints a value as one line of JSON. */
export function printJson(context: CommandContext, value: unknown): Promise<void> {
  return context.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints rows as a table, or what is said when there are none (on stderr). */
export async function printTable(
  context: CommandContext,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  whenEmpty: string,
): Promise<void> {
  if (rows.length === 0) return context.stderr.write(`${whenEmpty}\n`);
  const width = context.stdout.isTerminal ? context.stdout.columns : 0;
  await context.stdout.write(formatTable({ columns, rows, width, paintTitle: styleOf(context).bold }));
}

/** Prints names and values one below the other; null and `''` are left out. */
export async function printFields(
  context: CommandContext,
  fields: readonly (readonly [string, string | null])[],
): Promise<void> {
  const shown = fields.filter(([, value]) => value !== null && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  const { dim } = styleOf(context);
  const lines = shown.map(
    ([name, value]) => `${dim(name.padEnd(width))}  ${paintStatus(context, visible(value ?? ''))}\n`,
  );
  await context.stdout.write(lines.join(''));
}

/** Colours the name of a status; other texts stay as they are. */
export function paintStatus(context: CommandContext, text: string): string {
  const { green, red, yellow, cyan } = styleOf(context);
  const paints: Readonly<Record<string, (text: string) => string>> = {
    COMPLETED: green,
    ACTIVE: green,
    FAILED: red,
    LOST: red,
    CANCELLED: yellow,
    WAITING_FOR_INPUT: yellow,
    PROCESSING: cyan,
  };
  return paints[text.trim()]?.(text) ?? text;
}

/** The beginning of an id, long enough to name it. */
export const shortId = (id: string): string => id.slice(0, 8);

/** How long ago an instant was: `12s`, `5m`, `3h`, `2d`; `-` for none. */
export function ago(context: CommandContext, instant: string | null): string {
  if (instant === null) return '-';
  return span(Math.max(0, context.clock.now() - Date.parse(instant)));
}

/** A duration in its two largest units: `850ms`, `12s`, `5m3s`, `3h20m`, `2d4h`. @param ms >= 0 */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  const parts: readonly (readonly [number, string])[] = [
    [d, 'd'],
    [h, 'h'],
    [m, 'm'],
    [s, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** How long a task ran, or has been running; `-` before it began. */
export function taskSpan(context: CommandContext, task: TaskWire): string {
  if (task.startedAt === null) return '-';
  const end = task.finishedAt === null ? context.clock.now() : Date.parse(task.finishedAt);
  return span(Math.max(0, end - Date.parse(task.startedAt)));
}

/** How a task ended, in a word: exit code, signal or reason; `-` before. */
export function taskEnd(task: TaskWire): string {
  if (task.signal !== null) return task.signal;
  if (task.exitCode !== null) return String(task.exitCode);
  return task.reason ?? '-';
}

/** The fields of one task. */
export function taskFields(context: CommandContext, task: TaskWire): (readonly [string, string | null])[] {
  return [
    ['id', task.id],
    ['name', task.name],
    ['session', task.sessionId],
    ['status', task.status],
    ['progress', `${task.progress} %`],
    ['message', task.message],
    ['exit code', task.exitCode === null ? null : String(task.exitCode)],
    ['signal', task.signal],
    ['reason', task.reason],
    ['error code', task.errorCode],
    ['attempt', String(task.attempt)],
    ['retries', task.retryCount > 0 ? `${task.retriesUsed} of ${task.retryCount} used` : null],
    ['not before', task.status === 'PENDING' ? task.notBefore : null],
    ['needs', task.needs.length > 0 ? task.needs.join(', ') : null],
    ['blocked by', task.blockedBy],
    ['priority', String(task.priority)],
    ['group', task.concurrency && `${task.concurrency.group} (at most ${task.concurrency.limit} at a time)`],
    ['fix of', task.fixCount > 0 ? task.parentTaskId : null],
    ['created', task.createdAt],
    ['started', task.startedAt],
    ['finished', task.finishedAt],
    ['duration', task.startedAt === null ? null : taskSpan(context, task)],
    ['log', task.finishedAt !== null && !task.logComplete ? 'not complete' : null],
  ];
}

/** The fields of one session. */
export function sessionFields(session: SessionWire): (readonly [string, string | null])[] {
  return [
    ['id', session.id],
    ['name', session.name],
    ['status', session.status],
    ['description', session.description],
    ['repository', session.repositoryUrl],
    ['ref', session.repositoryUrl === null ? null : session.repositoryRef],
    ['git timeout', session.gitTimeoutSeconds === null ? null : span(session.gitTimeoutSeconds * 1000)],
    ['tags', session.tags.join(', ')],
    ['workspace', session.workspaceId],
    ['created', session.createdAt],
    ['updated', session.updatedAt],
  ];
}
