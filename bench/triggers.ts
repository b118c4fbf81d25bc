/** What triggers by time cost: computing instants, being there, and falling due all at once among ten thousand. */
import { makeCronRule } from '../internal/trigger/cron/cron-rule.ts';
import { type Bench, cpuMs, ms, pause, quantile, type Row, until } from './harness.ts';

/** Triggers that are registered. */
const registered = 10_000;
/** Triggers that fall due in the same second. */
const together = 200;
const perWorkflow = 100;

/** All of it. */
export async function benchTriggers(bench: Bench): Promise<Row[]> {
  const rows = benchNext();
  await register(bench, { prefix: 'seldom', count: registered - together, expression: 'H H 1 1 *' });
  rows.push(await benchAwake(bench));
  await register(bench, { prefix: 'often', count: together, expression: '* * * * *' });
  rows.push(...(await benchDue(bench)));
  return rows;
}

/** Next instants of kept rules, one after another, through two years. */
function benchNext(): Row[] {
  return ['UTC', 'Europe/Berlin', 'America/New_York'].map((zone) => {
    const rules = ['*/5 * * * *', '30 2 * * *', '0 9 * * 1-5', '15,45 1-3 * * *'].map((text) =>
      makeCronRule({ text, zone }),
    );
    let count = 0;
    const end = Date.UTC(2028, 0, 1);
    const began = performance.now();
    for (const rule of rules)
      for (let at = rule.next(Date.UTC(2026, 0, 1)); at !== null && at < end; at = rule.next(at)) count += 1;
    const perSecond = (count / (performance.now() - began)) * 1000;
    const measured = `${perSecond.toFixed(0)} /s`;
    return { what: `next instants, ${zone}`, measured, allowed: '>= 50000 /s', met: perSecond >= 50_000 };
  });
}

async function register(
  bench: Bench,
  {
    prefix,
    count,
    expression,
  }: { readonly prefix: string; readonly count: number; readonly expression: string },
): Promise<void> {
  for (let from = 0; from < count; from += perWorkflow) {
    const triggers = Array.from({ length: Math.min(perWorkflow, count - from) }, (_, n) => ({
      ...{ type: 'cron', expression, name: `t${from + n}` },
    }));
    await bench.post('/workflows', { name: `${prefix}-${from}`, run: 'true', overlap: 'allow', triggers });
  }
}

/** Nothing falls due: what does it cost to know that? */
async function benchAwake(bench: Bench): Promise<Row> {
  const pid = bench.server?.pid ?? 0;
  await pause(5_000);
  const [before, began] = [cpuMs(pid), performance.now()];
  await pause(40_000);
  const percent = ((cpuMs(pid) - before) / (performance.now() - began)) * 100;
  const what = `server with ${registered - together} cron triggers, none due, and one agent that waits`;
  return { what, measured: `${percent.toFixed(2)} % of a core`, allowed: '< 1 %', met: percent < 1 };
}

interface Told {
  readonly nominalAt: string;
  readonly delayMs: number;
}

/** All of a minute at once: how long until each has its task; and until the script of one for an idle agent begins. */
async function benchDue(bench: Bench): Promise<Row[]> {
  await bench.post('/workflows', {
    ...{ name: 'mine', session: 'bench', run: 'date +%s%3N', overlap: 'allow' },
    triggers: [{ type: 'cron', expression: '* * * * *' }],
  });
  const ofOne = async (name: string, limit: number) =>
    (await bench.call('GET', `/workflows/${name}/occurrences?limit=${limit}`)) as (Told & {
      taskId: string;
    })[];
  await until(async () => (await ofOne('mine', 5)).length >= 2, 200_000);
  const [last] = await ofOne('mine', 1);
  if (last === undefined) throw new Error('it did not fall due');
  await bench.waitEnd(last.taskId);
  const text = await fetch(`${bench.url}/api/v1/tasks/${last.taskId}/logs?format=text`, {
    headers: { authorization: `Bearer ${bench.token}` },
  }).then((answer) => answer.text());
  const firstMs = Number(text.trim()) - Date.parse(last.nominalAt);
  const delays: number[] = [];
  for (let from = 0; from < together; from += perWorkflow)
    for (const { nominalAt, delayMs } of await ofOne(`often-${from}`, perWorkflow))
      if (nominalAt === last.nominalAt) delays.push(delayMs);
  const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
  const many = `${delays.length} cron triggers of ${registered} that fall due at once, until decided`;
  return [
    {
      ...{ what: many, measured: `p50 ${ms(p50)}, p99 ${ms(p99)}` },
      ...{ allowed: 'p50 < 30 ms, p99 < 150 ms', met: p50 < 30 && p99 < 150 },
    },
    {
      ...{ what: 'one of them, until the first instruction of its script at an idle agent' },
      ...{ measured: ms(firstMs), allowed: '< 150 ms', met: firstMs < 150 },
    },
  ];
}
