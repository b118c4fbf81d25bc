/** The event of GitHub that a task goes back to. */
import { z } from 'zod';
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { TaskTemplate, Trigger, TriggerEvent } from '../domain/workflow.ts';
import type { Reads } from '../store/store.ts';
import { isSameRepository } from '../trigger/github/repository-address.ts';

/** What is kept of an event, as far as it says where it happened. Made by `deliverGithub`. */
const dataShape = z.object({
  event: z.string(),
  repository: z.object({
    id: z.number().nullable(),
    fullName: z.string(),
    cloneUrl: z.string(),
  }),
  ref: z.object({ kind: z.enum(['branch', 'tag']), name: z.string() }).nullable(),
  sha: z.string().nullable(),
  number: z.number().nullable(),
  isPull: z.boolean(),
  isDeleted: z.boolean(),
});

/** @see dataShape */
export type GithubEventData = z.output<typeof dataShape>;

/** Most parents of a task that are looked at. */
const maxParents = 16;
/** Longest ref of a task; characters. */
const maxRefLength = 255;

/** Reads what is kept of an event; null when it is none of GitHub about a repository. */
export function githubDataOf(event: Pick<TriggerEvent, 'data'>): GithubEventData | null {
  const read = dataShape.safeParse(event.data);
  return read.success ? read.data : null;
}

/**
 * The event behind a task: of its own trigger, of the task whose end it follows, or of the task that it is a subtask or a
 * fix of. Null when GitHub has nothing to do with it, or when the event is forgotten.
 */
export async function githubOrigin(
  reads: Reads,
  task: Task,
): Promise<{ readonly trigger: Trigger | null; readonly data: GithubEventData } | null> {
  let one: Task | null = task;
  for (let parents = 0; one !== null && one.sessionId === task.sessionId && parents < maxParents; parents++) {
    const occurrence = await reads.occurrenceOfTask(one.id);
    if (occurrence !== null) {
      const trigger = await reads.trigger(occurrence.triggerId);
      const isIts = occurrence.source === 'github' || trigger?.type === 'github';
      const event = isIts && occurrence.eventId ? await reads.triggerEvent(occurrence.eventId) : null;
      const data = event === null ? null : githubDataOf(event);
      return data === null ? null : { trigger, data };
    }
    one = one.parentTaskId === null ? null : await reads.task(one.parentTaskId);
  }
  return null;
}

/**
 * What a task of an event checks out: the event's commit, else its branch or tag. Only when it is the event's repository
 * that is checked out, and the workflow names nothing else.
 */
export function refOfEvent(
  event: Pick<TriggerEvent, 'data'> | undefined,
  { template, session }: { readonly template: TaskTemplate; readonly session: Session },
): { readonly ref?: string } {
  const data = event === undefined || template.ref !== null ? null : githubDataOf(event);
  if (data === null) return {};
  const { repositoryUrl } = session;
  if (repositoryUrl !== null && !isSameRepository(repositoryUrl, data.repository.cloneUrl)) return {};
  const name = data.ref === null || data.isDeleted ? null : fullName(data.ref);
  const ref = data.sha ?? name;
  return ref === null || ref.length > maxRefLength ? {} : { ref };
}

function fullName({ kind, name }: NonNullable<GithubEventData['ref']>): string {
  return `refs/${kind === 'tag' ? 'tags' : 'heads'}/${name}`;
}
