import { sql } from 'kysely';
import { repositoryRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { anywhere, fold } from '../text.ts';
import { put } from './put.ts';

/** What may be asked about registered repositories. */
export function repositoryReads(db: Db) {
  return {
    repository: async (id) => {
      const row = await db.selectFrom('repositories').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? repositoryRow.decode(row) : null;
    },
    repositoryByUrl: async (url) => {
      const row = await db
        .selectFrom('repositories')
        .selectAll()
        .where('url', '=', url)
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst();
      return row ? repositoryRow.decode(row) : null;
    },
    repositories: async ({ search, activeOnly }) => {
      let query = db.selectFrom('repositories').selectAll();
      if (search !== undefined) {
        const pattern = anywhere(fold(search));
        query = query.where(
          sql<boolean>`(name_folded LIKE ${pattern} ESCAPE '\\' OR url_folded LIKE ${pattern} ESCAPE '\\')`,
        );
      }
      if (activeOnly) query = query.where('is_active', '=', 1);
      return (await query.orderBy('name_folded').orderBy('id').execute()).map(repositoryRow.decode);
    },
  } satisfies Pick<Reads, 'repository' | 'repositoryByUrl' | 'repositories'>;
}

/** What may be written about them. */
export function repositoryWrites(db: Db) {
  return {
    putRepository: async (repository) => {
      const row = {
        ...repositoryRow.encode(repository),
        name_folded: fold(repository.name),
        url_folded: fold(repository.url),
      };
      await put(db, 'repositories', { row, key: 'id' });
    },
    deleteRepository: async (id) => {
      await db.deleteFrom('repositories').where('id', '=', id).execute();
    },
  } satisfies Pick<Transaction, 'putRepository' | 'deleteRepository'>;
}
