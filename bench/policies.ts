/** What it costs to judge a firing by every policy there is, beside one that nothing limits. */
import { type Bench, median, ms, type Row } from './harness.ts';

/** Firings of each kind in one block; blocks take turns, so that a machine that gets slower does so for both. */
const together = 25;
const blocks = 24;
/** The first of them warm up. */
const unmeasured = 2;

/** Every field of a policy, none of which refuses anything. */
const everything = {
  ...{ cooldown: '1ms', maxRunsPerHour: 900_000, maxRunsPerDay: 1_000_000 },
  ...{ maxCostPerRun: '1.00', maxCostPerDay: '1000000', costEstimate: '0.01', maxConcurrent: 100_000 },
  allowedHours: { windows: ['00:00-24:00'] },
  ...{ allowedRepositories: ['https://**'], allowedExecutors: ['local'], breaker: {} },
};

/** Times of firing by hand, one after another through the API: each is durable when it is answered. */
export async function benchPolicies(bench: Bench): Promise<Row[]> {
  const repository = { url: 'https://git.example.com/team/app.git' };
  const common = { run: 'true', overlap: 'allow', repository };
  await bench.post('/workflows', { name: 'free', ...common });
  await bench.post('/workflows', { name: 'judged', ...common, policy: everything });
  const times = new Map<string, number[]>([
    ['free', []],
    ['judged', []],
  ]);
  for (let block = 0; block < blocks; block++)
    for (const [name, taken] of times)
      for (let n = 0; n < together; n++) {
        const began = performance.now();
        const { taskId } = (await bench.post(`/workflows/${name}/fire`, {})) as { taskId: string | null };
        if (taskId === null) throw new Error(`${name} did not run`);
        if (block >= unmeasured) taken.push(performance.now() - began);
      }
  const [free, judged] = [...times.values()].map(median) as [number, number];
  const ratio = judged / free;
  return [
    {
      what: 'firing with every policy, beside one without',
      measured: `${ms(judged)} and ${ms(free)}: ${ratio.toFixed(2)} times`,
      ...{ allowed: 'at most 1.3 times', met: ratio <= 1.3 },
    },
  ];
}
