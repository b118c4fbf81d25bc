import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', {
  place: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'store-'));
    const file = join(directory, 'store.db');
    return {
      open: () => openSqliteStore({ file, clock: systemClock, log: silentLog }),
      remove: () => rm(directory, { recursive: true }),
      tamper: async (statement) => {
        const raw = new DatabaseSync(file);
        try {
          raw.exec(statement);
        } finally {
          raw.close();
        }
      },
    };
  },
});
