import { artifactRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { put } from './put.ts';

/** What may be asked about artifacts. */
export function artifactReads(db: Db) {
  return {
    artifacts: async (taskId, attempt) => {
      let query = db.selectFrom('artifacts').selectAll().where('task_id', '=', taskId);
      if (attempt !== undefined) query = query.where('attempt', '=', attempt);
      return (await query.orderBy('created_at').orderBy('id').execute()).map(artifactRow.decode);
    },
    artifact: async (id) => {
      const row = await db.selectFrom('artifacts').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? artifactRow.decode(row) : null;
    },
  } satisfies Pick<Reads, 'artifacts' | 'artifact'>;
}

/** What may be written about artifacts. */
export function artifactWrites(db: Db) {
  return {
    putArtifact: async (artifact) => {
      await put(db, 'artifacts', { row: artifactRow.encode(artifact), key: 'id' });
    },
    deleteArtifact: async (id) => {
      await db.deleteFrom('artifacts').where('id', '=', id).execute();
    },
  } satisfies Pick<Transaction, 'putArtifact' | 'deleteArtifact'>;
}
