/** Workflows whose triggers fire while servers are killed, deliveries that are sent until they are taken, and the count at the end. */
import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { type Place, pause } from '../../e2e/place.ts';
import { isFull } from './rounds.ts';

const secret = 'a-secret-of-more-than-thirty-two-bytes';
/** What servers must have in their environment. */
export const firingEnv = {
  HOOK_SECRET: secret,
  KERUTA_MAX_TASKS_PER_MINUTE: '1000000',
  KERUTA_MAX_PENDING_TASKS: '1000000',
};

/** How much is fired. */
export interface FiringPlan {
  readonly timed: number;
  /** every instant of a timed one is a multiple of one of these; they have them in turn; ms */
  readonly gridsMs: readonly number[];
  /** a trigger of such instants, as it stands in a workflow */
  readonly trigger: (gridMs: number) => Readonly<Record<string, unknown>>;
  readonly deliveries: number;
  /** the deliveries are spread over so long; ms */
  readonly overMs: number;
  /** whether servers are also paused and asked to stop, or only killed */
  readonly isPaused: boolean;
  /** so often one is killed, asked to stop or paused at least, though all deliveries are taken */
  readonly leastFaults: number;
}

/** A trigger whose instants are the multiples of some seconds. */
export function everySeconds(gridMs: number): Readonly<Record<string, unknown>> {
  return { type: 'interval', every: `${gridMs / 1000}s`, anchor: '2026-01-01T00:00:00Z' };
}

/** Which instants a timed trigger has. @param name  as it was applied */
function gridOf({ gridsMs }: FiringPlan, name: string): number {
  return gridsMs[Number(name.slice(1)) % gridsMs.length] ?? 1;
}

/** A webhook as it stands in a workflow, for deliveries as {@link deliverTo} sends them. */
export function hookNamed(name: string): Readonly<Record<string, unknown>> {
  const auth = { type: 'github', secretEnv: 'HOOK_SECRET' };
  return { name, type: 'webhook', ratePerMinute: 1_000_000, auth };
}

/** Two webhooks: one whose tasks may overlap, which are fired together, and one whose fires are judged one by one. */
const hooks = [
  { name: 'hooked', overlap: 'allow' },
  { name: 'judged', overlap: 'buffer_one' },
] as const;

/** Most triggers of one workflow. */
const perWorkflow = 100;

/** Makes the workflows. */
export async function applyFiring(place: Place, plan: FiringPlan): Promise<void> {
  const { timed, trigger } = plan;
  for (let from = 0; from < timed; from += perWorkflow) {
    const count = Math.min(perWorkflow, timed - from);
    const triggers = Array.from({ length: count }, (_, n) => {
      const name = `t${from + n}`;
      return { ...trigger(gridOf(plan, name)), name };
    });
    await place.api('POST', '/workflows', {
      ...{ name: `timed-${from}`, run: 'true', overlap: 'allow', catchUp: 'all', triggers },
    });
  }
  for (const { name, overlap } of hooks) {
    const triggers = [hookNamed(`hook-${name}`)];
    await place.api('POST', '/workflows', { name, run: 'true', overlap, triggers });
  }
}

/** What a sender was told of a delivery. */
export interface Answer {
  readonly httpStatus: number;
  readonly taskId: string | null;
  readonly occurrenceId: string;
}

/** Sends deliveries, many at a time, each again and again under its id until it is taken. @returns the answers, by the ids */
export async function sendAll(options: {
  readonly plan: FiringPlan;
  readonly random: () => number;
  /** where to send the next one */
  readonly url: () => string;
}): Promise<{ readonly answers: ReadonlyMap<string, Answer>; readonly tries: number }> {
  const { plan, random, url } = options;
  const senders = 16;
  const answers = new Map<string, Answer>();
  let next = 0;
  let tries = 0;
  const send = async () => {
    while (next < plan.deliveries) {
      const id = `delivery-${next++}`;
      for (;;) {
        tries += 1;
        const answer = await deliverOnce(url(), id);
        if (answer !== null) {
          answers.set(id, answer);
          break;
        }
        await pause(50 + random() * 200);
      }
      await pause(random() * 2 * ((plan.overMs * senders) / plan.deliveries));
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  return { answers, tries };
}

/** Sends a delivery. @returns null when it was not taken, or nobody answered in time: it may have been taken all the same */
export async function deliverOnce(
  url: string,
  id: string,
  timeoutMs = isFull ? 3_000 : 1_000,
): Promise<Answer | null> {
  const { name } = hooks[Number(id.at(-1)) % hooks.length] ?? hooks[0];
  const { answer } = await deliverTo(url, { workflow: name, id, timeoutMs });
  return answer;
}

/**
 * Sends a delivery to the webhook of one workflow.
 * @returns the answer when it was taken, and its HTTP status; 0 = nobody answered in time
 */
export async function deliverTo(
  url: string,
  delivery: { readonly workflow: string; readonly id: string; readonly timeoutMs: number },
): Promise<{ readonly httpStatus: number; readonly answer: Answer | null; readonly text: string }> {
  const { workflow, id, timeoutMs } = delivery;
  const body = JSON.stringify({ id });
  try {
    const answer = await fetch(`${url}/api/v1/public/webhook/workflow/${workflow}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': id,
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { status: httpStatus } = answer;
    const text = await answer.text();
    if (httpStatus === 401 || httpStatus === 400) throw new Error(`${httpStatus} ${text}`);
    const told = answer.ok ? { ...(JSON.parse(text) as Answer), httpStatus } : null;
    return { httpStatus, answer: told, text };
  } catch (error) {
    if (error instanceof Error && /^40/.test(error.message)) throw error;
    return { httpStatus: 0, answer: null, text: String(error) };
  }
}

/** Rows of the store, asked by SQL. */
export type Ask = (sql: string) => readonly (readonly string[])[];

/** Asks the embedded store of a place's server, whether that runs or not. */
export function askEmbedded(place: Place): Ask {
  return (sql) => {
    const database = new DatabaseSync(place.path('server/keruta.db'), { readOnly: true });
    try {
      const rows = database.prepare(sql).all();
      return rows.map((row) => Object.values(row).map((value) => String(value ?? '')));
    } finally {
      database.close();
    }
  };
}

/** How many instants have been decided, up to one. @param until  epoch ms */
export function decided(ask: Ask, until: number): number {
  const timed = `SELECT count(*) FROM occurrences WHERE source IN ('cron', 'interval') AND nominal_at <= ${until}`;
  return Number(ask(timed)[0]?.[0]);
}

/** How many instants there were, up to one. @param until  epoch ms */
export function expectedInstants(ask: Ask, plan: FiringPlan, until: number): number {
  const made = ask("SELECT name, created_at FROM triggers WHERE type IN ('cron', 'interval')");
  const count = (at: number, gridMs: number) => Math.floor(until / gridMs) - Math.floor(at / gridMs);
  return made.reduce((sum, [name = '', createdAt]) => sum + count(Number(createdAt), gridOf(plan, name)), 0);
}

/** Compares everything that is on record with what fell due and what was sent. @returns how many occurrences and tasks */
export function checkRecord(
  ask: Ask,
  about: { readonly plan: FiringPlan; readonly until: number; readonly answers: ReadonlyMap<string, Answer> },
): { readonly instants: number; readonly tasks: number } {
  const { plan, until, answers } = about;
  const number = (sql: string) => Number(ask(sql)[0]?.[0]);
  // every trigger has each of its instants, once
  const instants = new Map<string, number[]>();
  const timed = "SELECT trigger_id, nominal_at FROM occurrences WHERE source IN ('cron', 'interval')";
  for (const [triggerId = '', at] of ask(`${timed} AND nominal_at <= ${until} ORDER BY nominal_at`))
    instants.set(triggerId, [...(instants.get(triggerId) ?? []), Number(at)]);
  const made = ask("SELECT id, created_at, name FROM triggers WHERE type IN ('cron', 'interval')");
  expect(made).toHaveLength(plan.timed);
  for (const [id = '', createdAt, name = ''] of made) {
    const expected: number[] = [];
    const gridMs = gridOf(plan, name);
    const first = (Math.floor(Number(createdAt) / gridMs) + 1) * gridMs;
    for (let at = first; at <= until; at += gridMs) expected.push(at);
    expect({ id, instants: instants.get(id) ?? [] }).toEqual({ id, instants: expected });
  }
  // every delivery is on record once, as its sender was told
  const kept = ask("SELECT key, id, task_id FROM occurrences WHERE source = 'webhook' ORDER BY key");
  const told = [...answers].map(([id, { occurrenceId, taskId }]) => [
    `delivery:${id}`,
    occurrenceId,
    taskId ?? '',
  ]);
  expect(told).toHaveLength(plan.deliveries);
  expect(kept).toEqual(told.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)));
  // one task of each occurrence that ran, none of any other, and its event with it
  const ran = number("SELECT count(*) FROM occurrences WHERE decision = 'run'");
  const joined = 'FROM occurrences o JOIN tasks t ON t.id = o.task_id AND t.trigger_id = o.trigger_id';
  expect(number(`SELECT count(DISTINCT t.id) ${joined} WHERE o.decision = 'run'`)).toBe(ran);
  expect(number('SELECT count(*) FROM tasks WHERE trigger_id IS NOT NULL')).toBe(ran);
  expect(number("SELECT count(*) FROM occurrences WHERE decision <> 'run' AND task_id IS NOT NULL")).toBe(0);
  expect(number("SELECT count(*) FROM occurrences WHERE source <> 'webhook' AND decision <> 'run'")).toBe(0);
  const events = 'SELECT count(*) FROM occurrences o JOIN trigger_events e ON e.id = o.event_id';
  expect(number(`${events} WHERE o.source = 'webhook'`)).toBe(plan.deliveries);
  expect(number('SELECT count(*) FROM trigger_events')).toBe(plan.deliveries);
  return { instants: [...instants.values()].flat().length, tasks: ran };
}
