/** What a task came from and builds on, for who does it without a script. */
import type { Task } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';

/** @see storyOf */
export interface Story {
  /** the nearest last */
  readonly story: readonly { readonly id: string; readonly title: string; readonly description: string }[];
  /** names of tasks that were done before it */
  readonly dependencies: readonly string[];
}

/** Most tasks of a story. */
const maxParents = 16;

/** Finds the story of a task: its parents, and those that it waited for. */
export async function storyOf(reads: Reads, task: Task): Promise<Story> {
  const story: Story['story'][number][] = [];
  for (let id = task.parentTaskId; id !== null && story.length < maxParents; ) {
    const parent = await reads.task(id);
    if (parent === null) break;
    const { context, name, description } = parent;
    story.unshift({ id, title: context?.title ?? name, description: context?.description ?? description });
    id = parent.parentTaskId;
  }
  const needed = await Promise.all(task.needs.map((id) => reads.task(id)));
  return {
    story,
    dependencies: needed.flatMap((one) => (one === null ? [] : [one.context?.title ?? one.name])),
  };
}
