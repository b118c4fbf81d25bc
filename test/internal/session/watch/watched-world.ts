/** A session in memory whose store is watched; what happens is gathered. */
import { applyWorkflow } from '../../../../internal/session/apply-workflow.ts';
import { Chronicle, type Happened, type Teller } from '../../../../internal/session/watch/chronicle.ts';
import { watchStore } from '../../../../internal/session/watch/watch-store.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { caller, FakeAgent, makeWorld, sessionId } from '../claims-world.ts';

/** Makes it. @param tellers  who is told too */
export async function makeWatchedWorld(...tellers: readonly Teller[]) {
  const world = await makeWorld();
  const happened: Happened[] = [];
  const transactions: { readonly tookMs: number; readonly failed: boolean }[] = [];
  const chronicle = new Chronicle({
    reads: world.store,
    log: silentLog,
    tellers: [(one) => void happened.push(one), ...tellers],
  });
  const store = watchStore(world.store, {
    clock: world.clock,
    watcher: {
      committed: (facts) => chronicle.add(facts),
      timed: (tookMs, failed) => void transactions.push({ tookMs, failed }),
    },
    isFault: (error) => (error as Error).message === 'disk',
  });
  const parts = { ...world.parts, store };
  /** what happened since the last time, in words */
  const news = async () => {
    await chronicle.settled();
    return happened.splice(0).map(wordsOf);
  };
  const apply = (value: object) => applyWorkflow(parts, { caller, owner: 'api', value });
  const agent = (id = 'agent-1') => new FakeAgent(parts, id);
  return { ...world, parts, chronicle, transactions, news, apply, agent, sessionId };
}

function wordsOf(one: Happened): string {
  if (one.kind === 'lost') return `lost ${one.attempt.number}`;
  if (one.kind === 'told') return `told ${one.channel} ${one.state}`;
  if (one.kind === 'registered') return `registered ${one.origin.name}`;
  if (one.kind === 'occurred')
    return `occurred ${one.origin.name} ${one.occurrence.decision} ${one.occurrence.reason}`;
  if (one.kind === 'spent') return `spent ${one.origin.name} ${one.cost.micro}`;
  const what = one.kind === 'ended' ? one.task.status : one.attempt.number;
  return `${one.kind} ${one.origin.name} ${what}`;
}
