/** Twenty workflows as an office may have them, and how their runs go. */

/** One of them. Chances are of one attempt; times are minutes, money is micro-dollars. */
export interface Plan {
  readonly name: string;
  readonly minutes: readonly [number, number];
  /** as people write it, without name and trigger */
  readonly workflow: Readonly<Record<string, unknown>>;
  readonly fails: { readonly agent: number; readonly classic: number };
  /** when it falls due by the clock */
  readonly cron?: { readonly expression: string; readonly zone: string };
  readonly everyHours?: number;
  /** events that come from outside, on average */
  readonly eventsPerDay?: number;
  /** of each call of a model, of which an agent makes one to three */
  readonly call?: readonly [number, number];
  /** day of the year and the weight of the agent from then on */
  readonly weights?: readonly (readonly [number, number])[];
}

const [newYork, berlin, tokyo] = ['America/New_York', 'Europe/Berlin', 'Asia/Tokyo'];
const breaker = { consecutiveFailures: 4, window: 8, coolOff: '30m', maxCoolOff: '8h', probeLease: '20d' };
const both = { run: 'agent', fallback: 'classic' };
const cron = (expression: string, zone = 'UTC') => ({ expression, zone });
const retry = (maxAttempts: number, delay: string) => ({ maxAttempts, backoff: 'fixed', delay });

function plan(
  name: string,
  minutes: Plan['minutes'],
  more: Partial<Plan> & { readonly policy?: object },
): Plan {
  const { policy, workflow = { run: 'agent' }, ...rest } = more;
  const governed = policy === undefined ? workflow : { ...workflow, policy };
  return { name, minutes, fails: { agent: 0.06, classic: 0.02 }, ...rest, workflow: governed };
}

/** All of them; what is not said of overlap is `skip`, for events `allow`. */
export const plans: readonly Plan[] = [
  plan('stock-check', [2, 15], {
    cron: cron('0 * * * *', newYork),
    workflow: both,
    policy: { allowedHours: { windows: ['mon-fri 09:00-17:00'] }, breaker },
    call: [4_000, 40_000],
    weights: steps([0, 0.1], [90, 0.3], [180, 0.6], [270, 1]),
  }),
  plan('trading-morning', [5, 20], {
    cron: cron('30 9 * * 1-5', newYork),
    workflow: { run: 'agent', retry: retry(3, '5m'), onError: 'page' },
    fails: { agent: 0.2, classic: 0.01 },
    call: [50_000, 200_000],
  }),
  plan('daily-report', [3, 30], {
    cron: cron('0 7 * * *', berlin),
    workflow: { ...both, fallbackStrategy: 'always' },
    policy: { maxCostPerRun: '0.60', maxCostPerDay: '2.00' },
    call: [50_000, 280_000],
    weights: steps([0, 0.5]),
  }),
  plan('clean-up', [1, 90], {
    cron: cron('0 3 * * *'),
    workflow: { run: 'agent', catchUp: 'none' },
    fails: { agent: 0.01, classic: 0 },
  }),
  plan('sync', [1, 10], {
    everyHours: 4,
    workflow: { run: 'agent', retry: retry(2, '1m') },
    policy: { breaker },
    fails: { agent: 0.1, classic: 0 },
  }),
  plan('index', [20, 100], { everyHours: 2, policy: { cooldown: '50m', maxRunsPerDay: 10 } }),
  plan('billing', [1, 5], {
    cron: cron('0 */6 * * *'),
    workflow: { run: 'agent', catchUp: 'all', overlap: 'buffer_all', retry: retry(2, '10s') },
  }),
  plan('backup', [30, 120], {
    cron: cron('30 2 * * *', berlin),
    workflow: { run: 'agent', catchUp: 'all', retry: retry(2, '15m'), onError: 'page' },
  }),
  plan('tickets', [2, 25], {
    eventsPerDay: 6,
    workflow: { ...both, overlap: 'allow' },
    policy: { maxRunsPerDay: 8, maxRunsPerHour: 2, breaker },
    call: [10_000, 90_000],
    weights: steps([0, 0.25], [60, 0.75], [200, 0], [230, 0.75]),
  }),
  plan('reviews', [5, 60], {
    eventsPerDay: 4,
    workflow: { run: 'agent', overlap: 'allow' },
    policy: { maxCostPerDay: '1.50', costEstimate: '0.45', maxConcurrent: 3 },
    call: [30_000, 150_000],
  }),
  plan('mail', [1, 4], {
    eventsPerDay: 5,
    workflow: { ...both, overlap: 'buffer_one', fallbackStrategy: 'never' },
    policy: { cooldown: '10m' },
    weights: steps([0, 0.5]),
  }),
  plan('releases', [10, 40], {
    eventsPerDay: 0.5,
    workflow: { run: 'agent', overlap: 'allow' },
    policy: { requireApproval: { role: 'release', expires: '12h' } },
  }),
  plan('rumours', [1, 2], { everyHours: 4, policy: { mode: 'shadow', maxRunsPerDay: 3 } }),
  plan('weekly', [20, 60], {
    cron: cron('0 8 * * 1', tokyo),
    workflow: both,
    policy: { cooldown: '60m' },
    call: [100_000, 300_000],
    weights: steps([0, 1]),
  }),
  plan('monthly', [60, 300], {
    cron: cron('0 6 1 * *', berlin),
    workflow: { run: 'agent', retry: { ...retry(3, '30m'), lostRetries: 2 }, onError: 'page' },
  }),
  plan('crawler', [5, 200], {
    everyHours: 6,
    workflow: both,
    policy: { breaker },
    fails: { agent: 0.3, classic: 0.1 },
    call: [1_000, 9_000],
    weights: steps([0, 0.75]),
  }),
  plan('alerts', [1, 30], { eventsPerDay: 3, workflow: { run: 'agent', overlap: 'cancel_other' } }),
  plan('prices', [1, 6], {
    cron: cron('15 8-18/2 * * 1-5', tokyo),
    policy: { maxRunsPerDay: 5, cooldownFrom: 'success', cooldown: '30m' },
  }),
  plan('newsletter', [5, 15], {
    cron: cron('0 10 * * 2,5', newYork),
    workflow: both,
    fails: { agent: 0.02, classic: 0.1 },
    weights: steps([0, 0]),
  }),
  plan('experiments', [10, 50], {
    everyHours: 8,
    workflow: { run: 'agent', overlap: 'allow' },
    policy: { breaker: { ...breaker, failureRate: 0.7 } },
    fails: { agent: 0.5, classic: 0 },
    call: [20_000, 60_000],
  }),
];

function steps(...all: readonly (readonly [day: number, weight: number])[]): NonNullable<Plan['weights']> {
  return all;
}
