import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openPostgres } from '../../../pkg/postgres/postgres.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { testGovernance } from './contract/governance.ts';
import { testQueue } from './contract/queue.ts';
import { testWorkflows } from './contract/workflows.ts';
import { type StoreHarness, storeContract } from './store-contract.ts';

/** Four servers behind one name: each call goes to the next one, so that what one wrote another one has to know. */
function inTurn(servers: readonly Store[]): Store {
  let turn = 0;
  const one = (name: string) => {
    const server = servers[turn++ % servers.length] as unknown as Record<
      string,
      (...args: never[]) => unknown
    >;
    return server[name];
  };
  return new Proxy(servers[0] as Store, {
    get: (_, name) => {
      // it is awaited, and no promise
      if (name === 'then') return undefined;
      if (name === 'close') return () => Promise.all(servers.map((server) => server.close()));
      return (...args: never[]) => one(String(name))?.(...args);
    },
  });
}

const harness: StoreHarness = {
  place: async () => {
    const { url, schema, remove } = await newSchema();
    const open = () => openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    return {
      open: async () => inTurn(await Promise.all([open(), open(), open(), open()])),
      remove,
      tamper: async (statement) => {
        const postgres = await openPostgres({ url, schema, clock: systemClock, onFault: () => {} });
        await postgres.query(statement).finally(() => postgres.close());
      },
    };
  },
};

// what several servers do with the same rows; all of it with `KERUTA_SOAK=full`, which takes its time
const parts = process.env.KERUTA_SOAK === 'full' ? undefined : [testQueue, testWorkflows, testGovernance];
storeContract('PostgreSQL, through four servers', harness, parts);
