/**
 * A process that uses a pool, for tests with several of them and for tests of death. Told what to do by a JSON argument; writes
 * one line of JSON for each slot that it has.
 */
import { openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openPool } from '../../../internal/pool/open-pool.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { armFailpoint } from '../../../pkg/failpoint/failpoint.ts';
import { createGit } from '../../../pkg/git/git.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

interface Orders {
  /** of the pool, and of what git needs */
  readonly directory: string;
  readonly url: string;
  /** the place at which it kills itself */
  readonly dieAt?: string;
  /** at the how many-th time; default 1 */
  readonly dieAtTime?: number;
  /** who asks; each in turn */
  readonly names: readonly string[];
  /** after it was handed out: a change is made in the slot */
  readonly write?: string;
  readonly release: boolean;
}

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
let passed = 0;
if (orders.dieAt !== undefined)
  armFailpoint(orders.dieAt, () => {
    passed += 1;
    if (passed === (orders.dieAtTime ?? 1)) process.kill(process.pid, 'SIGKILL');
  });
const holder = identityOf(process.pid);
if (holder === null) throw new Error('this process is not there');
const pool = openPool({
  directory: join(orders.directory, 'pool'),
  git: createGit({
    environment: { PATH: process.env.PATH },
    credentials: 'none',
    allowLocal: true,
    privateDirectory: join(orders.directory, 'git'),
  }),
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  holder,
});
for (const requiredBy of orders.names) {
  const slot = await pool.allocate({ url: orders.url, requiredBy, leaseMs: 1 });
  // fails when anybody else has the slot now
  const mark = join(slot.path, 'mine.lock');
  openSync(mark, 'wx');
  process.stdout.write(`${JSON.stringify(slot)}\n`);
  await systemClock.sleep(20);
  rmSync(mark);
  if (orders.write !== undefined) rmSync(join(slot.path, 'a.txt'));
  if (orders.write !== undefined) openSync(join(slot.path, orders.write), 'wx');
  if (orders.release) await pool.release({ id: slot.id, lease: slot.lease });
}
