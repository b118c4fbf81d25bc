import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { storeContract } from './store-contract.ts';

storeContract('PostgreSQL', {
  place: async () => {
    const { url, schema, remove } = await newSchema();
    return {
      open: () => openPostgresStore({ url, schema, clock: systemClock, log: silentLog }),
      remove,
      tamper: async (statement) => {
        const postgres = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
        await postgres.query(statement).finally(() => postgres.close());
      },
    };
  },
});
