import type { Attempt, AttemptReason, StreamState } from '../domain/attempt.ts';

const nothing: StreamState = { size: 0, crc32: 0, lostBytes: 0 };

/** Makes the row of an attempt that begins now; nothing is known of it yet. */
export function newAttempt(start: {
  readonly taskId: string;
  readonly number: number;
  readonly reason: AttemptReason;
  /** `''` for a plain client */
  readonly agentId: string;
  readonly claimId: string;
  /** null = unleased, never swept */
  readonly leaseUntil: number | null;
  /** epoch ms */
  readonly now: number;
}): Attempt {
  const { now, ...identity } = start;
  return {
    ...identity,
    state: 'claimed',
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    signal: null,
    endReason: null,
    declared: null,
    controlSeq: 0,
    streams: { stdout: nothing, stderr: nothing },
    usage: null,
  };
}

/** Whether nothing at all has come from an attempt: no message, no byte, no end. */
export function neverSpoke(attempt: Attempt): boolean {
  const { stdout, stderr } = attempt.streams;
  return (
    (attempt.state === 'claimed' || attempt.state === 'lost') &&
    attempt.startedAt === null &&
    attempt.controlSeq === 0 &&
    stdout.size + stderr.size + stdout.lostBytes + stderr.lostBytes === 0
  );
}
