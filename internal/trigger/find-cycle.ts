import type { WorkflowDefinition } from '../domain/workflow.ts';
import type { TaskEndSpec } from './types/task-end.ts';

/** What of a workflow says whom it follows. */
export type Follower = Pick<WorkflowDefinition, 'name' | 'session' | 'triggers'>;

/**
 * Finds a way on which a workflow would make itself fire: through triggers that wait for the ends of tasks.
 * @param start the workflow to look from; it stands for the one of that name in `others`
 * @returns names in the order in which they would fire, the first one again at the end; null when there is none
 */
export function findCycle(start: Follower, others: readonly Follower[]): readonly string[] | null {
  const all = [start, ...others.filter(({ name }) => name !== start.name)];
  const seen = new Set<string>();
  return walk(start, []);

  function walk(one: Follower, way: readonly string[]): readonly string[] | null {
    for (const next of all.filter((other) => follows(other, one))) {
      if (next.name === start.name) return [...way, one.name, start.name];
      if (seen.has(next.name)) continue;
      seen.add(next.name);
      const found = walk(next, [...way, one.name]);
      if (found !== null) return found;
    }
    return null;
  }
}

/** Whether the end of a task of `one` fires `next`. Of its own session a workflow does not wait for its own tasks. */
function follows(next: Follower, one: Follower): boolean {
  return next.triggers.some(({ type, spec }) => {
    if (type !== 'task-end') return false;
    const { workflow, session } = spec as TaskEndSpec;
    return workflow === undefined ? session === one.session && next.name !== one.name : workflow === one.name;
  });
}
