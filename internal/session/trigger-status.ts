/** How a trigger is: what comes next, how the last runs went, and why it last did not run. */
import { KerutaError } from '../domain/errors.ts';
import { type Hold, holdsOver } from '../domain/hold.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, Trigger, Workflow } from '../domain/workflow.ts';
import type { Reads } from '../store/store.ts';
import { wallClock } from '../trigger/cron/wall-clock.ts';
import { type DueState, firstOf, onTimeMs } from '../trigger/decide-due.ts';
import { reasonText } from '../trigger/reason-text.ts';
import { zoneOf } from './apply-workflow.ts';
import { type ExecutionStats, executionStats } from './ledger-stats.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf } from './trigger-times.ts';

/** Instants that are told ahead. */
const nextCount = 5;
/** Fires by which it is judged whether a trigger falls behind, and how many of them may be skipped without it. */
const fireCount = 10;
const maxSkipped = 2;
/** Runs by whose durations it is judged. */
const runCount = 20;

/** How a trigger is. Times are epoch ms, durations ms. */
export interface TriggerStatus {
  readonly trigger: Trigger;
  readonly workflow: Workflow;
  /** `ended`: it falls due by time, and never again */
  readonly state: 'awake' | 'held' | 'disabled' | 'ended';
  /** IANA name; null when it does not fall due by time */
  readonly zone: string | null;
  /** with the spread; none when it is not awake */
  readonly next: readonly { readonly at: number; readonly local: string }[];
  readonly lastRun: { readonly occurrence: Occurrence; readonly task: Task | null } | null;
  /** the widest hold that it is under; null when it is not held */
  readonly hold: Hold | null;
  readonly stats: ExecutionStats;
  readonly lastSkip: Occurrence | null;
  /** why nothing ran the last time, or will now; null when it ran */
  readonly why: string | null;
  /** null when it keeps up */
  readonly fallingBehind: FallingBehind | null;
  /** whether it is awake and two instants or more have passed that nobody decided */
  readonly isOverdue: boolean;
}

/** Runs take longer than the trigger leaves them. */
export interface FallingBehind {
  /** of the last fires */
  readonly skipped: number;
  readonly of: number;
  readonly medianDurationMs: number | null;
  readonly medianIntervalMs: number | null;
}

/** Tells how a trigger is. */
export async function statusOfTrigger(
  parts: SessionParts,
  about: { readonly trigger: Trigger; readonly workflow: Workflow; readonly now: number },
): Promise<TriggerStatus> {
  const { trigger, workflow, now } = about;
  const { store } = parts;
  const filter = { triggerId: trigger.id };
  const newest = await store.occurrences(filter, { limit: fireCount, offset: 0 });
  const runs = await store.occurrences({ ...filter, decision: 'run' }, { limit: runCount, offset: 0 });
  const [lastSkip = null] = await store.occurrences(
    { ...filter, decision: 'skipped' },
    { limit: 1, offset: 0 },
  );
  const tasks = await tasksOf(store, runs);
  const rule = ruleOf(parts, about);
  const state = stateOf(trigger, rule.due);
  const [last] = runs;
  const [hold = null] = holdsOver(await store.holds(), about);
  const zone = rule.due?.schedule.zone ?? zoneOf(parts);
  const stats = await executionStats(parts, { triggerId: trigger.id, workflow: workflow.name, zone, now });
  const isOverdue = rule.due !== null && state === 'awake' && missesTwo(rule.due);
  return {
    ...{ trigger, workflow, state, zone: rule.due?.schedule.zone ?? null, lastSkip, isOverdue },
    next: rule.due !== null && state === 'awake' ? nextOf(rule.due, now) : [],
    lastRun: last === undefined ? null : { occurrence: last, task: tasks.get(last.id) ?? null },
    ...{ hold, stats },
    why: rule.fault ?? whyOf({ state, isOverdue, hold, newest: newest[0] ?? null }),
    fallingBehind: behindOf(newest, [...tasks.values()]),
  };
}

/** Triggers that should have fired twice since anybody looked at them. Quick when there are none. */
export async function overdueTriggers(parts: SessionParts): Promise<readonly string[]> {
  const { store } = parts;
  const now = await store.now();
  const names: string[] = [];
  for (const id of await store.dueTriggers(now - onTimeMs, fireCount)) {
    const trigger = await store.trigger(id);
    const workflow = trigger === null ? null : await store.workflow(trigger.workflowId);
    if (trigger === null || workflow === null) continue;
    const { due, fault } = ruleOf(parts, { trigger, workflow, now });
    if (fault !== null || (due !== null && missesTwo(due))) names.push(`${workflow.name}/${trigger.name}`);
  }
  return names;
}

/** Whether two instants, and the time that a busy server may take, have passed since the last that was decided. */
function missesTwo(due: DueState): boolean {
  const first = firstOf(due, due.cursor);
  const second = first === null ? null : firstOf(due, first.nominalAt);
  return second !== null && second.effectiveAt <= due.now - onTimeMs;
}

function ruleOf(
  parts: SessionParts,
  about: { readonly trigger: Trigger; readonly workflow: Workflow; readonly now: number },
): { readonly due: DueState | null; readonly fault: string | null } {
  const { trigger, workflow, now } = about;
  try {
    const due = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
    return { due, fault: null };
  } catch (error) {
    // a definition that this version does not take any more
    if (!(error instanceof KerutaError) && (error as Error).name !== 'ZodError') throw error;
    return { due: null, fault: `its definition cannot be read any more: ${(error as Error).message}` };
  }
}

function stateOf(trigger: Trigger, due: DueState | null): TriggerStatus['state'] {
  if (!trigger.enabled) return 'disabled';
  if (trigger.pausedAt !== null) return 'held';
  return due !== null && trigger.nextAt === null ? 'ended' : 'awake';
}

function nextOf(due: DueState, now: number): TriggerStatus['next'] {
  const clock = wallClock(due.schedule.zone);
  const found: { at: number; local: string }[] = [];
  // with a spread, one whose nominal time has passed may still be to come
  let one = firstOf(due, due.cursor < now ? Math.max(due.cursor, now - due.spreadMs) : due.cursor);
  for (; one !== null && found.length < nextCount; one = firstOf(due, one.nominalAt))
    if (one.effectiveAt > now) found.push({ at: one.effectiveAt, local: clock.read(one.effectiveAt).local });
  return found;
}

async function tasksOf(store: Reads, runs: readonly Occurrence[]): Promise<Map<string, Task>> {
  const tasks = new Map<string, Task>();
  for (const { id, taskId } of runs) {
    const task = taskId === null ? null : await store.task(taskId);
    if (task !== null) tasks.set(id, task);
  }
  return tasks;
}

function durationsOf(tasks: readonly Task[]): number[] {
  return tasks.flatMap(({ startedAt, finishedAt }) =>
    startedAt === null || finishedAt === null ? [] : [finishedAt - startedAt],
  );
}

function whyOf(about: {
  readonly state: TriggerStatus['state'];
  readonly isOverdue: boolean;
  readonly hold: Hold | null;
  readonly newest: Occurrence | null;
}): string | null {
  const { state, isOverdue, hold, newest } = about;
  if (state === 'disabled') return reasonText('disabled');
  if (state === 'held') return hold === null ? reasonText('paused') : holdText(hold);
  if (state === 'ended') return 'it never falls due again';
  if (isOverdue) return 'it is overdue: no server has looked at it';
  return newest === null || newest.decision === 'run' ? null : reasonText(newest.reason);
}

function behindOf(newest: readonly Occurrence[], tasks: readonly Task[]): FallingBehind | null {
  const skipped = newest.filter(({ reason }) => reason === 'overlap_skipped').length;
  if (skipped <= maxSkipped) return null;
  const times = newest.map(({ nominalAt }) => nominalAt).toSorted((a, b) => a - b);
  const intervals = times.slice(1).map((at, index) => at - (times[index] ?? at));
  return {
    ...{ skipped, of: newest.length },
    medianDurationMs: median(durationsOf(tasks)),
    medianIntervalMs: median(intervals),
  };
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Why nothing of it fires, for people. */
function holdText({ scope, name, at, actor, reason }: Hold): string {
  const held = {
    ...{ all: 'everything is held', session: `session ${name} is held` },
    ...{ workflow: 'its workflow is held', trigger: 'it is held' },
  }[scope];
  return `${held} since ${new Date(at).toISOString()} by ${actor}${reason === '' ? '' : `: ${reason}`}`;
}
