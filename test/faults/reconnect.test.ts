import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, makeApiClient } from '../../internal/api/client/client.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type Http, makeHttp } from '../../pkg/http/http.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { pause } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { goFirst, heldUp } from './lab/starvation.ts';

/** D. Many agents at one server (P2). Two hundred processes are more than a machine has: here are their clients. */
let lab: Lab;
const count = rounds(20, 200);
beforeAll(async () => {
  lab = await Lab.open('reconnect');
  if (isFull) goFirst(process.pid);
});
afterAll(() => lab.close());

const begun = Buffer.from('begun\n');

/** What an agent talks with, and the attempt that it holds. */
interface Talker {
  readonly client: ApiClient;
  readonly http: Http;
  readonly name: { readonly taskId: string; readonly attempt: number };
}

async function claimOne(number: number): Promise<Talker> {
  const session = await lab.place.session(`f49 ${number}`);
  await lab.submit(session, 'sleep 600');
  const http = makeHttp({ userAgent: 'keruta/lab' });
  const parts = { clock: systemClock, random: systemRandom, log: silentLog };
  const token = () => lab.place.env.KERUTA_API_TOKEN ?? null;
  const client = makeApiClient({ ...parts, http, baseUrl: lab.proxy.url, token });
  const { claim } = await client.attempts.claim(session, {
    agentId: `agent-${number}`,
    claimId: `claim-${number}`,
  });
  if (!claim) throw new Error(`session ${session} had no task`);
  const name = { taskId: claim.task.id, attempt: claim.attempt.number };
  await client.attempts.patchStream(name, { stream: 'stdout', offset: 0, bytes: begun });
  return { client, http, name };
}

/** Does something for all at the same instant. @returns how long each took, shortest first; ms */
async function atOnce(talkers: readonly Talker[], call: (talker: Talker) => Promise<unknown>) {
  const tookMs = talkers.map(async (talker) => {
    const before = performance.now();
    await call(talker);
    return performance.now() - before;
  });
  return (await Promise.all(tookMs)).toSorted((a, b) => a - b);
}

const p99 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
const renew = ({ client, name }: Talker) => client.attempts.renew(name, { waitMs: 0, deliveredInputs: [] });

test(`F-49: ${count} agents that come back at the same instant are all answered, 99 of 100 within 2 s, and none loses its claim`, async () => {
  const talkers: Talker[] = [];
  for (let number = 0; number < count; number++) talkers.push(await claimOne(number));
  lab.proxy.set('refuse');
  await pause(rounds(1_000, 20_000));
  lab.proxy.set('pass');
  const held = heldUp();
  const renewals = await atOnce(talkers, renew);
  expect(p99(renewals)).toBeLessThan((isFull ? 2_000 : 10_000) + held());
  // then what was kept meanwhile: each is one flush of the server's disk, one behind the other
  const bytes = Buffer.alloc(16_384, 'kept meanwhile\n');
  const kept = await atOnce(talkers, ({ client, name }) =>
    client.attempts.patchStream(name, { stream: 'stdout', offset: begun.length, bytes }),
  );
  // a claim that was not renewed would be over by then
  await pause(rounds(0, 27_000));
  for (const talker of talkers) await renew(talker);
  expect(lab.countLost()).toBe(0);
  for (const { http } of talkers) await http.close();
  const shown = (sorted: readonly number[]) => Math.round(p99(sorted));
  const note = `renewals: p99 ${shown(renewals)} ms; what was kept: p99 ${shown(kept)} ms; LOST 0`;
  tally({ row: 'F-49', rounds: count, note });
});
