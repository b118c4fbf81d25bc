import { addCost } from '../../../../internal/session/add-cost.ts';
import { type Claimed, claim } from '../../../../internal/session/claim.ts';
import { caller, FakeAgent, never } from '../claims-world.ts';
import type { Run } from './book.ts';
import type { Office } from './office.ts';

const minuteMs = 60_000;
let agents = 0;

/** The agent of one session, who is replaced when it is gone. */
export class Desk {
  readonly #office: Office;
  readonly #sessionId: string;
  #agent: FakeAgent;
  #isBusy = false;

  constructor(office: Office, sessionId: string) {
    this.#office = office;
    this.#sessionId = sessionId;
    this.#agent = this.#newAgent();
  }

  #newAgent(): FakeAgent {
    agents += 1;
    return new FakeAgent(this.#office.parts, `agent-${agents}`);
  }

  /** Says that its run goes on. */
  async renew(): Promise<void> {
    if (this.#isBusy) await this.#agent.renew();
  }

  /** Takes the next task, if it is free and there is one. */
  async work(): Promise<void> {
    if (this.#isBusy) return;
    const { parts, chance, book, agenda } = this.#office;
    const request = {
      ...{ agentId: this.#agent.id, claimId: parts.random.uuid4(), waitMs: 0 },
      agent: { hostname: 'office', version: '1' },
    };
    const wish = { caller, sessionId: this.#sessionId, request, signal: never };
    const { claim: claimed } = await claim(parts, wish);
    if (claimed === null) return;
    this.#agent.claimed = claimed;
    const run = book.begin(claimed.task.id);
    const takesMs = chance.between(run.plan.minutes) * minuteMs + chance.between([0, 59_999]);
    if (chance.is(0.002)) {
      this.#office.lose(run);
      this.#agent = this.#newAgent();
      return;
    }
    this.#isBusy = true;
    if (chance.is(0.004)) this.#office.cancelSoon(run, takesMs);
    const end = () => this.#office.whenUp(() => this.#end(run, claimed));
    agenda.add(this.#office.now + takesMs, end);
  }

  async #end(run: Run, { task, attempt }: Claimed): Promise<void> {
    const office = this.#office;
    const { parts, chance, book } = office;
    const { plan } = run;
    const calls = plan.call && run.kind === 'agent' ? chance.between([1, 3]) : 0;
    for (let call = 0; call < calls; call++) {
      const micro = chance.between(plan.call ?? [0, 0]);
      const tokens = { tokensIn: chance.between([100, 9_000]), tokensOut: chance.between([10, 900]) };
      const cost = { micro, ...tokens, model: 'small-1', key: `${attempt.number}.${call}` };
      // a script that hears no answer says it again
      for (let said = chance.is(0.1) ? 2 : 1; said > 0; said--)
        await addCost(parts, { caller, taskId: task.id }, cost);
      book.spend(run, { micro, ...tokens });
    }
    const seen = await parts.store.task(task.id);
    const times = {
      startedAt: new Date(attempt.createdAt).toISOString(),
      exitedAt: new Date(office.now).toISOString(),
    };
    if (seen?.cancelRequested) {
      await this.#agent.finish({ ...times, exitCode: null, signal: 'SIGTERM', reason: 'cancel' });
    } else {
      const isBad = (office.badUntil.get(plan.name) ?? 0) > office.now;
      const fails = isBad ? 0.9 : run.kind === 'agent' ? plan.fails.agent : plan.fails.classic;
      await this.#agent.finish({ ...times, exitCode: chance.is(fails) ? 1 : 0 });
    }
    this.#isBusy = false;
    await office.look();
    await office.serve();
  }
}
