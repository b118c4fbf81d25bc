import type { BlobStore } from '../../../internal/blob/blob.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';

/** Two servers on one PostgreSQL, of which nothing touches bytes. */
export async function openServers(): Promise<{
  readonly servers: readonly [SessionParts, SessionParts];
  readonly close: () => Promise<void>;
}> {
  const place = await newSchema();
  const open = async (): Promise<SessionParts> => {
    const { url, schema } = place;
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    return { store, blob: {} as BlobStore, clock: systemClock, random: systemRandom, log: silentLog };
  };
  const servers = [await open(), await open()] as const;
  return {
    servers,
    close: async () => {
      for (const { store } of servers) await store.close();
      await place.remove();
    },
  };
}
