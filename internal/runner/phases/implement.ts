import { PhaseFault } from '../fault.ts';
import type { TaskRun } from '../task-run.ts';
import { followPlaybook, playbookFailure } from './follow-playbook.ts';
import { testCommandOf } from './test.ts';
import { work } from './work.ts';
import type { Workplace } from './workplace.ts';

/**
 * Has the task done: by its playbook, or by the coding agent.
 * @returns the last words of whoever did it
 * @throws {PhaseFault} ImplementationError, TimeoutError
 */
export async function implement(run: TaskRun, place: Workplace): Promise<{ readonly summary: string }> {
  const { task } = run;
  if (task.kind === 'agent') {
    const { summary } = await work(run, place, {
      feedback: null,
      testCommand: await testCommandOf(run, place),
    });
    return { summary };
  }
  const named = task.context.playbook;
  const result = await followPlaybook(run, { directory: place.path, named, key: 'playbook', span: [10, 60] });
  if (result.status === 'success') return { summary: '' };
  const { message, details } = playbookFailure(result);
  throw new PhaseFault('ImplementationError', message, details);
}
