import type { Declared, EndReason } from './outcome.ts';
import type { StreamName, Usage } from './task.ts';

/** Why an attempt was made. */
export type AttemptReason = 'first' | 'retry' | 'manual_retry' | 'never_started' | 'plain_client';

/**
 * Where an attempt stands. `claimed`: an agent has it; `exited`: its process ended, bytes may still come;
 * `finished`: everything is here; `lost`: its lease ran out; `superseded`: a newer attempt took over.
 */
export type AttemptState = 'claimed' | 'exited' | 'finished' | 'lost' | 'superseded';

/** One start of one task's script. Its number fences: writes of an attempt that is not the task's newest are refused. */
export interface Attempt {
  readonly taskId: string;
  /** 1, 2, … */
  readonly number: number;
  readonly state: AttemptState;
  readonly reason: AttemptReason;
  /** `''` for a plain client */
  readonly agentId: string;
  /** chosen by the agent; the same one gives the same attempt again */
  readonly claimId: string;
  /** in the store's lease time; null = unleased (a plain client), never swept */
  readonly leaseUntil: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly endReason: EndReason | null;
  readonly declared: Declared | null;
  /** number of the last control message that was applied; 0 before the first */
  readonly controlSeq: number;
  /** what is here of each stream */
  readonly streams: Readonly<Record<StreamName, StreamState>>;
  readonly usage: Usage | null;
}

/** What the server has of one stream of one attempt. */
export interface StreamState {
  /** bytes stored = the offset at which the next bytes go */
  readonly size: number;
  /** CRC-32 (IEEE, as zlib) of those bytes */
  readonly crc32: number;
  /** bytes that the agent declared lost; their place is marked in the text */
  readonly lostBytes: number;
}

/** How long a claim holds without renewal; ms. */
export const leaseMs = 45_000;
/** How often an agent renews; ms. */
export const renewEveryMs = 2_000;
/** How long things about a claim hold. */
export interface LeaseTiming {
  /** a claim without renewal; ms */
  readonly leaseMs: number;
  /** after a server start no lease runs out: a server's own outage fails nobody; ms */
  readonly bootGraceMs: number;
  /** a lost attempt keeps its session's slot, since its process may still run; ms */
  readonly lostHoldMs: number;
}

/** What holds unless a server is told otherwise. */
export const defaultTiming: LeaseTiming = { leaseMs, bootGraceMs: 60_000, lostHoldMs: 30 * 60_000 };
