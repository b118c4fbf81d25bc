import type { TaskTemplate } from '../domain/workflow.ts';

/** The fields of a task that its template decides. Nobody is there to answer it. */
export function taskFields(template: TaskTemplate, name: string) {
  const { script, description, ref, timeoutMs, noOutputTimeoutMs, priority, autoFix } = template;
  const { kind = 'script', context = null } = template;
  const limits = { timeoutMs, noOutputTimeoutMs, priority, autoFix };
  const title = template.name ?? context?.title ?? name;
  return { name: title, script, kind, context, description, ref, ...limits, input: 'none' as const };
}
