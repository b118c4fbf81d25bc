/** The seven states of a task, their names in other dialects, and which change may follow which. */
export const taskStatuses = [
  'PENDING',
  'PROCESSING',
  'WAITING_FOR_INPUT',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'LOST',
] as const;

/** A task's state. LOST: its agent is gone; only that same attempt may still turn it into the true end. */
export type TaskStatus = (typeof taskStatuses)[number];

/** The states a task does not leave by itself. LOST is not among them: the true end may still come. */
export type EndStatus = 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** @see EndStatus */
export const endStatuses: readonly EndStatus[] = ['COMPLETED', 'FAILED', 'CANCELLED'];

const otherNames: Readonly<Record<string, TaskStatus>> = {
  IN_PROGRESS: 'PROCESSING',
  RUNNING: 'PROCESSING',
  QUEUED: 'PENDING',
  RETRYING: 'PENDING',
  CANCELED: 'CANCELLED',
};

/**
 * Reads a status in any dialect and any case.
 * @returns the canonical name; null when the text is no status
 */
export function parseTaskStatus(text: string): TaskStatus | null {
  const name = text.trim().toUpperCase();
  return taskStatuses.find((status) => status === name) ?? otherNames[name] ?? null;
}

/** Whether the task has ended for good. */
export function isEnded(status: TaskStatus): status is EndStatus {
  return (endStatuses as readonly TaskStatus[]).includes(status);
}

/** Whether an attempt is under way, as far as the server knows. */
export function isActive(status: TaskStatus): boolean {
  return status === 'PROCESSING' || status === 'WAITING_FOR_INPUT';
}

const next: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PENDING: ['PROCESSING', 'WAITING_FOR_INPUT', 'COMPLETED', 'FAILED', 'CANCELLED'],
  PROCESSING: ['PENDING', 'WAITING_FOR_INPUT', 'COMPLETED', 'FAILED', 'CANCELLED', 'LOST'],
  WAITING_FOR_INPUT: ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'LOST'],
  COMPLETED: [],
  FAILED: ['PENDING'],
  CANCELLED: ['PENDING'],
  LOST: ['PENDING', 'COMPLETED', 'FAILED', 'CANCELLED'],
};

/**
 * Whether a task may go from one state to another. Saying the same state again is always lawful: plain clients
 * report progress that way. FAILED, CANCELLED and LOST go back to PENDING only by a retry.
 */
export function mayFollow(from: TaskStatus, to: TaskStatus): boolean {
  return from === to || next[from].includes(to);
}
