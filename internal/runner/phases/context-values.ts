import { nameOutside } from '../task-id.ts';
import type { TaskRun } from '../task-run.ts';

/** What conditions and steps of a playbook know of the task, by the names of its context. Parameters of the same name win. */
export function contextValues({ task, journal }: TaskRun): Readonly<Record<string, unknown>> {
  const { context } = task;
  return {
    task_id: nameOutside(task),
    spec_name: context.specName ?? '',
    title: context.title,
    description: context.description,
    required_skill: context.requiredSkill ?? '',
    focus: context.focus.join(','),
    branch_name: journal.state.prepared?.branch ?? context.branchName ?? '',
    target_branch: journal.state.prepared?.target ?? context.targetBranch ?? '',
    publish: context.publish,
  };
}
