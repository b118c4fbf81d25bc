import { taskTrailer } from '../../domain/git-names.ts';
import { fillTemplate } from './template.ts';

/** What a message is made of. */
export interface MessageContext {
  readonly taskId: string;
  readonly title: string;
  readonly description?: string | null;
  readonly specName?: string | null;
  /** what was done, as its maker says */
  readonly summary?: string | null;
}

/** More lines at the end, such as `Co-authored-by`; name and value. */
export type Trailers = readonly (readonly [name: string, value: string])[];

/** The template of a message, unless told otherwise. */
export const defaultMessageTemplate = '{title}\n\n{summary}';

/**
 * Makes the message of a commit. It always ends with the trailer that names the task: by it a branch is known for one of
 * ours.
 *
 * @param template  with `{title}`, `{task}`, `{description}`, `{spec}`, `{summary}`; null: {@link defaultMessageTemplate}
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for an unknown placeholder
 */
export function commitMessage(
  template: string | null,
  context: MessageContext,
  trailers: Trailers = [],
): string {
  const text = fillTemplate(template ?? defaultMessageTemplate, {
    title: oneLine(context.title),
    task: oneLine(context.taskId),
    description: context.description ?? '',
    spec: oneLine(context.specName ?? ''),
    summary: context.summary ?? '',
  });
  const [subject = '', ...body] = plain(text).trim().split('\n');
  const head = subject.trim() === '' ? `Task ${oneLine(context.taskId)}` : subject.trim();
  const lines = [...trailers, [taskTrailer, context.taskId] as const].map(
    ([name, value]) => `${name.replace(/[^A-Za-z0-9-]/g, '-')}: ${oneLine(value)}`,
  );
  const rest = body
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  return [head, rest, lines.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, ' ').trim();
}

/** Without control characters but the end of a line. */
function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, '');
}
