/** Reads what a workflow runs. Pure. */
import { branchFault } from '../domain/branch-fault.ts';
import type { TaskKind } from '../domain/task-context.ts';
import type { TaskTemplate } from '../domain/workflow.ts';
import type { WorkflowFault } from './read-workflow.ts';
import type { TemplateInput } from './workflow-shape.ts';

/** @param focus  of the workflow: that of an agent task which names none of its own */
export function templateOf(input: TemplateInput, focus: readonly string[]): TaskTemplate {
  const { context } = input;
  const kind = kindOf(input);
  return {
    script: input.script ?? '',
    ...(context === undefined || kind === 'script'
      ? {}
      : { kind, context: { ...context, focus: context.focus.length === 0 ? focus : context.focus } }),
    name: input.name ?? null,
    description: input.description ?? '',
    ref: input.ref ?? null,
    parameters: input.parameters ?? {},
    timeoutMs: input.timeout ?? null,
    noOutputTimeoutMs: input.noOutputTimeout ?? null,
    priority: input.priority ?? 0,
    autoFix: input.autoFix ?? null,
  };
}

/** What does not go together in a template, and what git refuses of it. */
export function templateFaults(input: TemplateInput): WorkflowFault[] {
  const { script, context } = input;
  const kind = kindOf(input);
  const fault = (path: readonly string[], message: string) => [{ path, message }];
  if (kind === 'script') {
    if (context !== undefined)
      return fault(['context'], 'expected none for the kind script; let the kind be agent or playbook');
    return script === undefined ? fault(['script'], 'expected a script, or a context; got neither') : [];
  }
  const faults: WorkflowFault[] = [];
  if (script !== undefined) faults.push(...fault(['script'], `expected none for the kind ${kind}`));
  if (context === undefined)
    faults.push(...fault(['context'], `expected one with a title for the kind ${kind}, got none`));
  for (const name of ['branchName', 'targetBranch'] as const) {
    const branch = context?.[name] ?? null;
    const why = branch === null ? null : branchFault(branch);
    if (why !== null)
      faults.push(...fault(['context', name], `git refuses ${JSON.stringify(branch)}: ${why}`));
  }
  return faults;
}

function kindOf({ kind, context }: TemplateInput): TaskKind {
  if (kind !== undefined) return kind;
  if (context === undefined) return 'script';
  return context.playbook === null ? 'agent' : 'playbook';
}
