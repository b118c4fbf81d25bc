import { auditRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { insertMany } from './insert-many.ts';

/** What may be asked about the audit. */
export function auditReads(db: Db) {
  return {
    audit: async (page) => {
      const rows = await db
        .selectFrom('audit')
        .selectAll()
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit)
        .offset(page.offset)
        .execute();
      return rows.map(auditRow.decode);
    },
  } satisfies Pick<Reads, 'audit'>;
}

/** What may be written about it: it only grows. */
export function auditWrites(db: Db) {
  return {
    insertAudit: async (entry) => {
      await db.insertInto('audit').values(auditRow.encode(entry)).execute();
    },
    insertAudits: async (entries) => {
      await insertMany(db, 'audit', entries.map(auditRow.encode));
    },
  } satisfies Pick<Transaction, 'insertAudit' | 'insertAudits'>;
}
