/**
 * Ids of traces and spans, made of ids that server and agent both know: so they agree on them without a word, and an
 * agent that takes up the run of another one goes on in the same spans.
 */
import { createHash } from 'node:crypto';

/** The trace of a task that no other trace led to. @returns 32 hex digits */
export function traceIdOf(taskId: string): string {
  return hash(`trace ${taskId}`).slice(0, 32);
}

/** The span of a task as a whole. @returns 16 hex digits */
export function taskSpanId(taskId: string): string {
  return hash(`task ${taskId}`).slice(0, 16);
}

/** The span of one attempt, or of a phase of it. @returns 16 hex digits */
export function attemptSpanId(taskId: string, attempt: number, phase = ''): string {
  return hash(`attempt ${taskId} ${attempt} ${phase}`).slice(0, 16);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
