import { openPostgresBlobStore } from '../../../internal/blob/postgres-blob-store.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { blobContract } from './blob-contract.ts';

blobContract('PostgreSQL', async () => {
  const { url, schema, remove } = await newSchema();
  // The store makes the table.
  await (await openPostgresStore({ url, schema, clock: systemClock, log: silentLog })).close();
  return { open: () => openPostgresBlobStore({ url, schema, clock: systemClock, log: silentLog }), remove };
});
