import { agentRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { put } from './put.ts';

/** What may be asked about agents. */
export function agentReads(db: Db) {
  return {
    agents: async () => {
      const rows = await db
        .selectFrom('agents')
        .selectAll()
        .orderBy('last_seen_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map(agentRow.decode);
    },
  } satisfies Pick<Reads, 'agents'>;
}

/** What may be written about agents. */
export function agentWrites(db: Db) {
  return {
    putAgent: async (agent) => {
      await put(db, 'agents', { row: agentRow.encode(agent), key: 'id' });
    },
  } satisfies Pick<Transaction, 'putAgent'>;
}
