/** Events that are sent to limited workflows all at once while servers die, and what the database says of them afterwards. */
import { expect } from 'vitest';
import { type Place, pause, type RunningServer, until } from '../../e2e/place.ts';
import { type Answer, type Ask, deliverTo, hookNamed } from './firing.ts';

/** One of the servers on a database; it dies and comes again on its port. */
export interface Replica {
  running: RunningServer | null;
  readonly start: () => Promise<RunningServer>;
}

/** Events that come at the same time, to each workflow. */
export const atOnce = 50;
/** Longer than a server needs that has all of them to judge one after another. */
const timeoutMs = 15_000;

/** A zone in which it is the middle of the day, so that no day ends while its limit is counted. */
export function zoneAtNoon(now = new Date()): string {
  const hour = now.getUTCHours();
  return hour < 4 || hour >= 20 ? 'America/Los_Angeles' : 'UTC';
}

/** Makes a workflow with a webhook and a policy whose day does not end now. */
export async function applyLimited(
  place: Place,
  { name, policy, triggers = [] }: { name: string; policy: object; triggers?: readonly object[] },
): Promise<void> {
  await place.api('POST', '/workflows', {
    ...{ name, run: 'true', overlap: 'allow', policy: { timezone: zoneAtNoon(), ...policy } },
    triggers: [hookNamed(`hook-${name}`), ...triggers],
  });
}

/** @see storm */
export interface Storm {
  readonly answers: ReadonlyMap<string, Answer>;
  /** with those that nobody answered */
  readonly tries: number;
}

/**
 * Sends events to each of some workflows, all at once over all servers, each again under its id until it is taken; kills one
 * server in the midst, with SIGKILL, and starts it again.
 *
 * @param options.wave  part of the ids: the same again is the same events
 * @param options.dies  null = nobody does
 */
export async function storm(options: {
  readonly replicas: readonly Replica[];
  readonly workflows: readonly string[];
  readonly wave: string;
  readonly random: () => number;
  readonly dies: Replica | null;
}): Promise<Storm> {
  const { replicas, workflows, wave, random, dies } = options;
  const answers = new Map<string, Answer>();
  let tries = 0;
  const all = workflows.flatMap((workflow) =>
    Array.from({ length: atOnce }, (_, n) => ({ workflow, id: `${workflow}-${wave}-${n}` })),
  );
  const sending = all.map(async (delivery, n) => {
    for (let turn = n; ; turn++) {
      const url = replicas[turn % replicas.length]?.running?.url;
      if (url !== undefined) {
        tries += 1;
        const { answer } = await deliverTo(url, { ...delivery, timeoutMs });
        if (answer !== null) return void answers.set(delivery.id, answer);
      }
      await pause(20 + random() * 100);
    }
  });
  // so many are answered when it dies; the others are under way
  const killedAt = Math.floor(random() * all.length * 0.6);
  if (dies !== null) {
    await until('some are answered', () => answers.size >= killedAt, 60_000);
    await dieAndComeAgain(dies);
  }
  await Promise.all(sending);
  return { answers, tries };
}

/** Kills a server with SIGKILL and starts it again; a busy machine may be too slow for one start. */
export async function dieAndComeAgain(replica: Replica): Promise<void> {
  const { running } = replica;
  replica.running = null;
  await running?.stop('SIGKILL');
  replica.running = await replica.start().catch(() => replica.start());
}

/**
 * Says something to the API, now to this server, now to that one, until it is taken. What it says may be said twice.
 */
export async function insist(
  replicas: readonly Replica[],
  call: { readonly method: string; readonly path: string; readonly body: unknown; readonly token: string },
): Promise<void> {
  const { method, path, body, token } = call;
  for (let turn = 0; ; turn++) {
    const url = replicas[turn % replicas.length]?.running?.url;
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(() => null);
    if (answer?.ok) return;
    // what was refused for good would be refused again
    if (answer !== null && answer.status < 500) throw new Error(`${path}: ${await answer.text()}`);
    await pause(30);
  }
}

/** What became of the events of a workflow: `run`, or the reason why not, and how often. */
export function becameOf(ask: Ask, workflow: string): Readonly<Record<string, number>> {
  const what = "CASE o.decision WHEN 'run' THEN 'run' ELSE o.reason END";
  const rows = ask(
    `SELECT ${what}, count(*) FROM occurrences o JOIN workflows w ON w.id = o.workflow_id WHERE w.name = '${workflow}' GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(([name = '', count]) => [name, Number(count)]));
}

/** Ids of the tasks of a workflow, oldest first. @param statuses  default: all of them */
export function tasksOf(ask: Ask, workflow: string, statuses: readonly string[] = []): string[] {
  const some = statuses.length === 0 ? '' : ` AND t.status IN (${statuses.map((one) => `'${one}'`)})`;
  const from = 'FROM tasks t JOIN triggers g ON g.id = t.trigger_id JOIN workflows w ON w.id = g.workflow_id';
  return ask(`SELECT t.id ${from} WHERE w.name = '${workflow}'${some} ORDER BY t.id`).map(([id = '']) => id);
}

/** What the counters of a workflow's windows say; runs, or micro-dollars. */
export function usedOf(ask: Ask, kind: 'runs' | 'cost', workflow: string): number[] {
  const id = `(SELECT id FROM workflows WHERE name = '${workflow}')`;
  const like = `'${kind} workflow ' || ${id} || ' %'`;
  return ask(`SELECT used FROM limit_counters WHERE key LIKE ${like}`).map(([used]) => Number(used));
}

/** The state and the window of a workflow's breaker, and how often it opened, as the ledger has it. */
export function breakerOf(ask: Ask, workflow: string) {
  const id = `(SELECT id FROM workflows WHERE name = '${workflow}')`;
  const [row] = ask(`SELECT breaker FROM workflow_histories WHERE workflow_id = ${id}`);
  const { state, results } = JSON.parse(row?.[0] ?? '{}') as { state?: string; results?: string };
  const acts = `SELECT count(*) FROM ledger WHERE kind = 'breaker.opened' AND workflow_name = '${workflow}'`;
  return { state, results, opened: Number(ask(acts)[0]?.[0]) };
}

/** Compares what is on record with what the senders were told: each event once, with its task if it ran. */
export function checkTold(ask: Ask, storms: readonly Storm[]): number {
  const told = storms.flatMap(({ answers }) => [...answers]);
  const kept = new Map(
    ask("SELECT key, id, task_id FROM occurrences WHERE source = 'webhook'").map(
      ([key = '', id, taskId = '']) => [key.replace(/^delivery:/, ''), { id, taskId }],
    ),
  );
  expect(kept.size).toBe(told.length);
  for (const [id, { occurrenceId, taskId }] of told)
    expect({ event: id, ...kept.get(id) }).toEqual({ event: id, id: occurrenceId, taskId: taskId ?? '' });
  // no task that no occurrence knows, and none twice
  const joined = 'FROM occurrences o JOIN tasks t ON t.id = o.task_id AND t.trigger_id = o.trigger_id';
  const number = (sql: string) => Number(ask(sql)[0]?.[0]);
  const ran = number("SELECT count(*) FROM occurrences WHERE decision = 'run'");
  expect(number(`SELECT count(DISTINCT t.id) ${joined} WHERE o.decision = 'run'`)).toBe(ran);
  expect(number('SELECT count(*) FROM tasks WHERE trigger_id IS NOT NULL')).toBe(ran);
  return ran;
}
