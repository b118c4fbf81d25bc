import { z } from 'zod';
import { InputError } from '../../domain/errors.ts';
import { workflowNamePattern } from '../../domain/workflow.ts';
import { triggerType } from '../trigger-type.ts';

/** The ends that may be waited for. */
export const endWords = ['completed', 'failed', 'cancelled'] as const;

const spec = z.strictObject({
  /** name of the workflow whose tasks are waited for; their hooks do not count */
  workflow: z.string().regex(workflowNamePattern, 'expected the name of a workflow').optional(),
  /** name of the session whose tasks are waited for, whoever made them; those of this workflow do not count */
  session: z.string().min(1).max(255).optional(),
  /** default: completed only */
  on: z.array(z.enum(endWords)).min(1).optional(),
});

/** What a trigger of this type waits for. */
export type TaskEndSpec = z.output<typeof spec>;

/** A task that ended, as far as triggers look at it. */
export interface EndedTask {
  /** name of the workflow that made it; null when none did, or when a hook of it did */
  readonly workflow: string | null;
  /** name of its session */
  readonly session: string;
  /** a status that is an end */
  readonly status: string;
}

/** Whether an end is one that the trigger waits for. */
export function isAwaited(wanted: TaskEndSpec, ended: EndedTask): boolean {
  const words: readonly string[] = wanted.on ?? ['completed'];
  if (!words.includes(ended.status.toLowerCase())) return false;
  return wanted.workflow === undefined
    ? wanted.session === ended.session
    : wanted.workflow === ended.workflow;
}

/** Fires when a task has ended and is not tried again by itself. */
export const taskEnd = triggerType({
  name: 'task-end',
  doc: 'when a task of another workflow, or any task of a session, has ended',
  source: 'task-end',
  spec,
  check: ({ workflow, session }) => {
    if ((workflow === undefined) !== (session === undefined)) return [];
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `expected one of workflow and session, got ${workflow === undefined ? 'none' : 'both'}`,
    );
  },
});
