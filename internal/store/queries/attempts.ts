import { sql } from 'kysely';
import type { Attempt, AttemptState, StreamState } from '../../domain/attempt.ts';
import { attemptRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db, StreamColumns, Tables } from '../tables.ts';
import { put } from './put.ts';

const maxLost = 1000;
const open: readonly AttemptState[] = ['claimed', 'exited'];

/** What may be asked about attempts. */
export function attemptReads(db: Db) {
  return {
    attempt: async (taskId, number) => {
      const row = await db
        .selectFrom('attempts')
        .selectAll()
        .where('task_id', '=', taskId)
        .where('number', '=', number)
        .executeTakeFirst();
      return row ? decode(row) : null;
    },
    attempts: async (taskId) => {
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where('task_id', '=', taskId)
        .orderBy('number')
        .execute();
      return rows.map(decode);
    },
    openAttempts: async (sessionId) => {
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where('session_id', '=', sessionId)
        .where('state', 'in', open)
        .orderBy('created_at')
        .orderBy('task_id')
        .execute();
      return rows.map(decode);
    },
    attemptByClaim: async (agentId, claimId) => {
      const row = await db
        .selectFrom('attempts')
        .selectAll()
        .where('claim_id', '=', claimId)
        .where('agent_id', '=', agentId)
        .orderBy('created_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row ? decode(row) : null;
    },
    expiredAttempts: async (leaseNow) => {
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where('state', 'in', open)
        .where('lease_until', '<', leaseNow)
        .orderBy('lease_until')
        .orderBy('task_id')
        .execute();
      return rows.map(decode);
    },
    lostAttempts: async (leaseUntil) => {
      const rows = await db
        .selectFrom('attempts')
        .innerJoin('tasks', 'tasks.id', 'attempts.task_id')
        .selectAll('attempts')
        .where('state', '=', 'lost')
        .where('lease_until', '<=', leaseUntil)
        .where('tasks.status', '=', 'LOST')
        .where('tasks.retry', 'is not', null)
        .whereRef('tasks.attempt', '=', 'attempts.number')
        .orderBy('lease_until')
        .orderBy('task_id')
        .limit(maxLost)
        .execute();
      return rows.map(decode);
    },
  } satisfies Partial<Reads>;
}

/** What may be written about attempts. */
export function attemptWrites(db: Db) {
  const one = (taskId: string, number: number) =>
    db.updateTable('attempts').where('task_id', '=', taskId).where('number', '=', number);
  return {
    putAttempt: async (attempt) => {
      const { stdout, stderr } = attempt.streams;
      const row = {
        ...attemptRow.encode(attempt),
        ...columnsOf('stdout', stdout),
        ...columnsOf('stderr', stderr),
      };
      const sessionId = sql<string>`coalesce((SELECT session_id FROM tasks WHERE id = ${attempt.taskId}), '')`;
      await put(db, 'attempts', { row, key: 'task_id, number', kept: { session_id: sessionId } });
    },
    putStream: async (taskId, number, stream, state) => {
      await one(taskId, number).set(columnsOf(stream, state)).execute();
    },
    putLease: async (taskId, number, leaseUntil) => {
      await one(taskId, number).set({ lease_until: leaseUntil }).execute();
    },
    extendLeases: async (until) => {
      await db
        .updateTable('attempts')
        .set({ lease_until: until })
        .where('state', 'in', open)
        .where('lease_until', '<', until)
        .execute();
    },
  } satisfies Pick<Transaction, 'putAttempt' | 'putStream' | 'putLease' | 'extendLeases'>;
}

/** The end of the last lease that is open; 0 when there is none. */
export async function lastLease(db: Db): Promise<number> {
  const row = await db
    .selectFrom('attempts')
    .select((eb) => eb.fn.max('lease_until').as('last'))
    .where('state', 'in', open)
    .executeTakeFirst();
  return row?.last ?? 0;
}

function columnsOf<S extends 'stdout' | 'stderr'>(stream: S, state: StreamState) {
  return {
    [`${stream}_size`]: state.size,
    [`${stream}_crc32`]: state.crc32,
    [`${stream}_lost_bytes`]: state.lostBytes,
  } as Pick<StreamColumns, `${S}_size` | `${S}_crc32` | `${S}_lost_bytes`>;
}

function decode(row: Tables['attempts']): Attempt {
  return {
    ...attemptRow.decode(row),
    streams: {
      stdout: { size: row.stdout_size, crc32: row.stdout_crc32, lostBytes: row.stdout_lost_bytes },
      stderr: { size: row.stderr_size, crc32: row.stderr_crc32, lostBytes: row.stderr_lost_bytes },
    },
  };
}
