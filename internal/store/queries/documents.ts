import { sql } from 'kysely';
import { documentRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { anywhere, fold } from '../text.ts';
import { put } from './put.ts';

/** What may be asked about documents. */
export function documentReads(db: Db) {
  return {
    document: async (id) => {
      const row = await db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? documentRow.decode(row) : null;
    },
    documents: async ({ title, tag }) => {
      let query = db.selectFrom('documents').selectAll();
      if (title !== undefined)
        query = query.where(sql<boolean>`title_folded LIKE ${anywhere(fold(title))} ESCAPE '\\'`);
      const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').execute();
      const documents = rows.map(documentRow.decode);
      return tag === undefined ? documents : documents.filter((document) => document.tags.includes(tag));
    },
  } satisfies Pick<Reads, 'document' | 'documents'>;
}

/** What may be written about documents. */
export function documentWrites(db: Db) {
  return {
    putDocument: async (document) => {
      const row = { ...documentRow.encode(document), title_folded: fold(document.title) };
      await put(db, 'documents', { row, key: 'id' });
    },
    deleteDocument: async (id) => {
      await db.deleteFrom('documents').where('id', '=', id).execute();
    },
  } satisfies Pick<Transaction, 'putDocument' | 'deleteDocument'>;
}
