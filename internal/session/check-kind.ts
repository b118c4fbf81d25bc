import { branchFault } from '../domain/branch-fault.ts';
import { InputError } from '../domain/errors.ts';
import type { NewTask } from '../domain/task.ts';

/**
 * Refuses a task whose parts do not go together: a script without a context, anything else with one; and branches that git refuses.
 * @throws {InputError} KERUTA_ERR_TASK_CONTEXT
 */
export function checkKind({ kind = 'script', script, context = null }: NewTask): void {
  const refuse = (message: string) => {
    throw new InputError('KERUTA_ERR_TASK_CONTEXT', message);
  };
  if (kind === 'script') {
    if (context !== null)
      refuse(
        'A task of kind script has no context; got one. Give it the kind agent or playbook, or leave the context out.',
      );
    return;
  }
  if (context === null) refuse(`A task of kind ${kind} needs a context with a title; got none.`);
  if (script !== '')
    refuse(
      `A task of kind ${kind} has no script; got ${script.length} characters. Leave it out, or let the kind be script.`,
    );
  for (const name of ['branchName', 'targetBranch'] as const) {
    const branch = context?.[name] ?? null;
    const fault = branch === null ? null : branchFault(branch);
    if (fault !== null) refuse(`context.${name}: git refuses ${JSON.stringify(branch)}: ${fault}.`);
  }
}
