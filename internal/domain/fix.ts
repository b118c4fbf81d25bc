/** The law of fix tasks: one per failure, three per origin, never a prefix twice. */
import { cutMiddle } from '../../pkg/lines/cut-middle.ts';
import type { EndReason } from './outcome.ts';
import type { NewTask, Task } from './task.ts';
import type { TaskContext } from './task-context.ts';

/** How many generations of fix tasks one origin task may have. */
export const maxFixCount = 3;
/** What the name of a fix task begins with. */
export const fixPrefix = '【自動修正】';

/** How many fix tasks one session may get in an hour, unless the server is told otherwise. */
export const defaultFixesPerHour = 20;

/** Why no fix task is made. */
export type FixRefusal =
  | 'MAX_FIX_COUNT'
  | 'NOT_FAILED'
  | 'NOT_THE_SCRIPTS_FAULT'
  | 'SAME_FAILURE'
  | 'TOO_MANY_IN_AN_HOUR';

/** What failed, for the fix task: goes into its parameters as `autoFix`. */
export interface Failure {
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly occurredAt: number;
  /** what the agent found out about the failure; null when nothing */
  readonly bundle: Readonly<Record<string, unknown>> | null;
  /** equal for failures that look the same; null when unknown */
  readonly fingerprint: string | null;
}

const notTheScriptsFault: readonly EndReason[] = [
  'cancel',
  'agent_stop',
  'agent_lost',
  'shim_lost',
  'pod_lost',
  'pod_evicted',
  'lost_lease',
  'refused',
  'checkout',
  'disk',
];

/**
 * Decides whether a failed task begets a fix task.
 * @returns the refusal, or null when one may be made
 */
export function refuseFix(task: Task, failure: Failure): FixRefusal | null {
  if (task.status === 'COMPLETED' || task.status === 'CANCELLED') return 'NOT_FAILED';
  if (task.reason !== null && notTheScriptsFault.includes(task.reason)) return 'NOT_THE_SCRIPTS_FAULT';
  if (task.fixCount >= maxFixCount) return 'MAX_FIX_COUNT';
  const before = (task.parameters.autoFix as { fingerprint?: unknown } | undefined)?.fingerprint;
  if (failure.fingerprint !== null && before === failure.fingerprint) return 'SAME_FAILURE';
  return null;
}

/** How a fix is done. */
export interface FixWay {
  /** what it runs; null = what the task did, again */
  readonly script: string | null;
  /** whether a coding agent mends what a script failed at; only where there is no script for it */
  readonly byAgent: boolean;
}

/** Makes the fix task of a failed task. */
export function fixOf(task: Task, failure: Failure, way: FixWay): NewTask {
  const before = task.parameters.autoFix as { rootTaskId?: unknown } | undefined;
  const fixCount = task.fixCount + 1;
  return {
    sessionId: task.sessionId,
    parentTaskId: task.id,
    name: task.name.startsWith(fixPrefix) ? task.name : fixPrefix + task.name,
    description: `${task.description}\n---\n${failure.errorMessage}`,
    ...workOf(task, way),
    priority: task.priority,
    ref: task.ref,
    timeoutMs: task.timeoutMs,
    noOutputTimeoutMs: task.noOutputTimeoutMs,
    input: 'none',
    autoFix: task.autoFix,
    fixCount,
    parameters: {
      ...task.parameters,
      autoFix: {
        originalTaskId: task.id,
        rootTaskId: typeof before?.rootTaskId === 'string' ? before.rootTaskId : task.id,
        fixCount,
        errorCode: failure.errorCode,
        errorMessage: failure.errorMessage,
        occurredAt: new Date(failure.occurredAt).toISOString(),
        fingerprint: failure.fingerprint,
        bundle: failure.bundle,
      },
    },
  };
}

function workOf(task: Task, { script, byAgent }: FixWay): Pick<NewTask, 'script' | 'kind' | 'context'> {
  // what a fix runs may be a script also where the task was none
  if (script !== null) return { script };
  if (task.kind !== 'script') return { script: '', kind: task.kind, context: task.context };
  return byAgent ? { script: '', kind: 'agent', context: mendingContext(task) } : { script: task.script };
}

/** Most of a script that a coding agent is shown; bytes. */
const maxShownBytes = 16 * 1024;
const maxTitleChars = 400;

/** What a coding agent is told of a script that failed. How it failed is among the parameters. */
function mendingContext({ name, description, script }: Task): TaskContext {
  const plain = name.startsWith(fixPrefix) ? name.slice(fixPrefix.length) : name;
  const title = plain.replace(/\s+/g, ' ').trim().slice(0, maxTitleChars);
  const shown = `A script failed. Mend what it failed at, in this repository.\n\n${cutMiddle(script, maxShownBytes)}`;
  return {
    ...{ taskId: null, specName: null, title: `Mend: ${title}` },
    description: [description, shown].filter((part) => part.trim() !== '').join('\n\n'),
    acceptanceCriteria: ['The script runs to its end with status 0'],
    ...{ requiredSkill: null, focus: [], branchName: null, targetBranch: null, playbook: null },
    ...{ slotId: null, slotPath: null, publish: 'branch' },
  };
}

const hourMs = 3_600_000;

/** Those of the given instants that lie within the last hour. @param now  epoch ms */
export function withinTheHour(instants: readonly number[], now: number): readonly number[] {
  return instants.filter((at) => at > now - hourMs && at <= now);
}

/** The idempotency key under which the fix task of an attempt is made, whoever asks for it. */
export function fixKey(taskId: string, attempt: number): string {
  return `fix:${taskId}:${attempt}`;
}
