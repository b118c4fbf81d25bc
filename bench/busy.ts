/** How punctual triggers and webhooks are while a hundred tasks run, all on the machine of the server. */
import { createHmac } from 'node:crypto';
import { Bench, ms, pause, quantile, type Row, until } from './harness.ts';

const secret = 'a-secret-of-more-than-thirty-two-bytes';
/** Triggers that fall due in the same minute. */
const timed = 1_000;
const perWorkflow = 100;
/** Tasks under way; one in each session. */
const running = 100;
/** Deliveries, and how many of them in a second. */
const [deliveries, perSecond] = [6_000, 200];
/** What runs meanwhile: most of it waits, and all of it writes a line every second. */
const script = 'while :; do echo "a line of output at $SECONDS"; sleep 1; done';

/** Server and agents in one process, with as many agents as tasks. */
export async function benchBusy(_bench: Bench): Promise<Row[]> {
  const bench = await Bench.start(
    {
      KERUTA_MAX_WORKERS: String(running),
      KERUTA_MAX_TASKS_PER_MINUTE: '1000000',
      KERUTA_MAX_PENDING_TASKS: '1000000',
      HOOK_SECRET: secret,
    },
    'up',
  );
  try {
    await startTasks(bench);
    const hook = {
      type: 'webhook',
      ratePerMinute: 1_000_000,
      auth: { type: 'github', secretEnv: 'HOOK_SECRET' },
    };
    // the tasks that are fired only wait: it is the decisions that are measured
    await bench.post('/workflows', {
      name: 'hooked',
      session: 'busy-0',
      run: 'true',
      overlap: 'allow',
      triggers: [hook],
    });
    const hooked = await deliver(bench);
    for (let from = 0; from < timed; from += perWorkflow) {
      const triggers = Array.from({ length: perWorkflow }, (_, n) => ({
        ...{ type: 'cron', expression: '* * * * *', name: `t${from + n}` },
      }));
      const value = { name: `timed-${from}`, session: 'busy-1', run: 'true', overlap: 'allow', triggers };
      await bench.post('/workflows', value);
    }
    const delays = await dueTwice(bench);
    const still = await countRunning(bench);
    return [
      {
        what: `webhook deliveries, ${perSecond} in a second, while ${running} tasks run`,
        measured: `p50 ${ms(quantile(hooked, 0.5))}, p99 ${ms(quantile(hooked, 0.99))}`,
        allowed: 'p99 < 500 ms',
        met: quantile(hooked, 0.99) < 500,
      },
      {
        what: `${timed} cron triggers that fall due at once while ${still} tasks run, until decided`,
        measured: `p50 ${ms(quantile(delays, 0.5))}, p95 ${ms(quantile(delays, 0.95))}, p99 ${ms(quantile(delays, 0.99))}`,
        allowed: 'p95 < 5 s, p99 < 10 s',
        met: still >= running && quantile(delays, 0.95) < 5_000 && quantile(delays, 0.99) < 10_000,
      },
    ];
  } finally {
    // nothing new begins, and it waits for what runs, which does not end by itself
    bench.server?.kill('SIGTERM');
    await cancelTasks(bench).catch(() => bench.server?.kill('SIGKILL'));
    await bench.close();
  }
}

async function cancelTasks(bench: Bench): Promise<void> {
  await Promise.all((await runningTasks(bench)).map(({ id }) => bench.post(`/tasks/${id}/cancel`, {})));
}

/** One task in each of many sessions; they end with the server. */
async function startTasks(bench: Bench): Promise<void> {
  for (let n = 0; n < running; n++) {
    const name = `busy-${n}`;
    await bench.post('/workflows', { name, run: { script, autoFix: false }, triggers: [] });
    await bench.post(`/workflows/${name}/fire`, {});
  }
  await until(async () => (await countRunning(bench)) >= running, 300_000);
}

async function countRunning(bench: Bench): Promise<number> {
  return (await runningTasks(bench)).length;
}

async function runningTasks(bench: Bench): Promise<readonly { readonly id: string }[]> {
  return (await bench.call('GET', '/tasks/status/PROCESSING')) as readonly { readonly id: string }[];
}

/** Sends at an even pace, whatever the answers take. @returns how long each took; ms */
async function deliver(bench: Bench): Promise<readonly number[]> {
  const times: number[] = [];
  const open: Promise<unknown>[] = [];
  const faults: unknown[] = [];
  const began = performance.now();
  for (let n = 0; n < deliveries; n++) {
    const aheadMs = began + (n / perSecond) * 1000 - performance.now();
    if (aheadMs > 0) await pause(aheadMs);
    // one that fails ends the measurement, not the program, which has tasks to end
    const [took, failed] = [(tookMs: number) => times.push(tookMs), (fault: unknown) => faults.push(fault)];
    open.push(deliverOne(bench, n).then(took, failed));
  }
  await Promise.all(open);
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} of ${deliveries} failed`);
  return times;
}

async function deliverOne(bench: Bench, n: number): Promise<number> {
  const body = JSON.stringify({ ref: 'refs/heads/main', n });
  const sentAt = performance.now();
  const answer = await fetch(`${bench.url}/webhook/hooked`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': `busy-${n}`,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  });
  await answer.arrayBuffer();
  if (answer.status !== 202) throw new Error(`delivery ${n}: ${answer.status}`);
  return performance.now() - sentAt;
}

/** Waits until all have fallen due twice. @returns how late each was decided; ms */
async function dueTwice(bench: Bench): Promise<readonly number[]> {
  const of = async (from: number) =>
    (await bench.call('GET', `/workflows/timed-${from}/occurrences?limit=${10 * perWorkflow}`)) as readonly {
      readonly delayMs: number;
      readonly source: string;
    }[];
  const delays: number[] = [];
  for (let from = 0; from < timed; from += perWorkflow) {
    await until(async () => (await of(from)).length >= 2 * perWorkflow, 300_000);
    for (const { delayMs } of await of(from)) delays.push(delayMs);
  }
  return delays;
}
