import { approvalRow } from '../governance-nouns.ts';
import type { GovernanceReads, GovernanceWrites } from '../governance-store.ts';
import type { Db } from '../tables.ts';
import { put } from './put.ts';

/** What may be asked about runs that wait for a yes. */
export function approvalReads(db: Db) {
  return {
    approval: async (id) => {
      const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? approvalRow.decode(row) : null;
    },
    approvals: async ({ state, sessionId }, page) => {
      let query = db.selectFrom('approvals').selectAll();
      if (state !== undefined) query = query.where('state', '=', state);
      if (sessionId !== undefined) query = query.where('session_id', '=', sessionId);
      const newest = query.orderBy('created_at', 'desc').orderBy('id', 'desc');
      return (await newest.limit(page.limit).offset(page.offset).execute()).map(approvalRow.decode);
    },
  } satisfies Pick<GovernanceReads, 'approval' | 'approvals'>;
}

/** What may be written about them. */
export function approvalWrites(db: Db) {
  return {
    putApproval: async (approval) => {
      await put(db, 'approvals', { row: approvalRow.encode(approval), key: 'id' });
    },
  } satisfies Pick<GovernanceWrites, 'putApproval'>;
}
