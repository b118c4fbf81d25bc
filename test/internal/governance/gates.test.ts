import { describe, expect, test } from 'vitest';
import { isAllowedRepository } from '../../../internal/governance/allowed.ts';
import { checkCooldown } from '../../../internal/governance/cooldown.ts';
import { estimateCost } from '../../../internal/governance/cost.ts';
import { windowName } from '../../../internal/governance/day-window.ts';
import { isAllowed } from '../../../internal/governance/hours.ts';
import { judge } from '../../../internal/governance/judge.ts';
import { limitWindows } from '../../../internal/governance/limit-window.ts';
import { chooseMode } from '../../../internal/governance/weight.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { question, rule, scoped } from './policies.ts';

const at = (text: string) => Date.parse(text);

describe('a cooldown of 60 s', () => {
  const policies = [scoped({ cooldownMs: 60_000 })];
  test.each([
    [59_999, false],
    [60_000, true],
  ])('%i ms after the start passes: %s', (since, passed) => {
    expect(checkCooldown(policies, { startAt: 0, successAt: null }, since)[0]?.passed).toBe(passed);
  });

  test('may count from the last success, and a failure then leaves none', () => {
    const success = [scoped({ cooldownMs: 60_000, cooldownFrom: 'success' })];
    expect(checkCooldown(success, { startAt: 50_000, successAt: 0 }, 60_000)[0]?.passed).toBe(true);
    expect(checkCooldown(success, { startAt: 0, successAt: 1 }, 60_000)[0]?.passed).toBe(false);
    expect(checkCooldown(success, { startAt: 50_000, successAt: null }, 60_000)[0]?.passed).toBe(true);
  });

  test('is closed when nothing can be read, unless it may be open', () => {
    expect(checkCooldown(policies, null, 0)[0]).toMatchObject({
      passed: false,
      reason: 'governance_unavailable',
    });
    const open = [scoped({ cooldownMs: 60_000, failMode: 'open' })];
    expect(checkCooldown(open, null, 0)[0]).toMatchObject({ passed: true, reason: 'governance_unavailable' });
  });

  test('of several policies the longest holds', () => {
    const two = [...policies, scoped({ cooldownMs: 120_000 }, 'global')];
    const checks = checkCooldown(two, { startAt: 0, successAt: null }, 60_000);
    expect(checks.map(({ scope, passed }) => [scope, passed])).toEqual([
      ['workflow', true],
      ['global', false],
    ]);
  });
});

describe('days and hours of a zone', () => {
  const names = (unit: 'day' | 'hour', zone: string, from: string, hours: number) =>
    Array.from({ length: hours }, (_, n) => windowName(unit, zone, at(from) + n * 3_600_000));

  test('a day has 23 hours when clocks are set forward and 25 when they are set back', () => {
    const spring = names('day', 'America/New_York', '2026-03-08T05:00:00Z', 24);
    expect(new Set(spring.slice(0, 23)).size).toBe(1);
    expect(spring[23]).not.toBe(spring[0]);
    const autumn = names('day', 'America/New_York', '2026-11-01T04:00:00Z', 26);
    expect(new Set(autumn.slice(0, 25)).size).toBe(1);
    expect(autumn[25]).not.toBe(autumn[0]);
  });

  test('the hour that comes twice is two hours', () => {
    expect(new Set(names('hour', 'America/New_York', '2026-11-01T04:00:00Z', 25)).size).toBe(25);
  });

  test('a skipped day is no day at all', () => {
    const apia = names('day', 'Pacific/Apia', '2011-12-30T09:00:00Z', 2);
    expect(apia).toEqual(['Pacific/Apia 2011-12-29', 'Pacific/Apia 2011-12-31']);
  });

  test('each policy counts in its own zone and place', () => {
    const policies = [
      scoped({ maxRunsPerDay: 3 }, 'workflow', 'Asia/Tokyo'),
      scoped({ maxRunsPerDay: 9, maxCostPerDayMicro: 5 }, 'global'),
    ];
    expect(limitWindows(policies, at('2026-01-01T20:00:00Z')).map(({ key }) => key)).toEqual([
      'runs workflow id Asia/Tokyo 2026-01-02',
      'runs global  UTC 2026-01-01',
      'cost global  UTC 2026-01-01',
    ]);
  });
});

describe('allowed hours', () => {
  const hours = (windows: string[], except: Record<string, string[]> = {}) => ({
    timezone: null,
    windows,
    except,
  });
  const berlin = (allowed: ReturnType<typeof hours>, text: string) =>
    isAllowed(allowed, 'Europe/Berlin', at(text));

  test('begin with their first minute and end before their last', () => {
    const office = hours(['mon-fri 09:00-17:00']);
    expect(berlin(office, '2026-01-05T07:59:59Z')).toBe(false);
    expect(berlin(office, '2026-01-05T08:00:00Z')).toBe(true);
    expect(berlin(office, '2026-01-05T15:59:59Z')).toBe(true);
    expect(berlin(office, '2026-01-05T16:00:00Z')).toBe(false);
    expect(berlin(office, '2026-01-04T10:00:00Z')).toBe(false);
  });

  test('over midnight belong to the day on which they begin', () => {
    const night = hours(['fri 22:00-06:00']);
    expect(berlin(night, '2026-01-09T22:00:00Z')).toBe(true);
    expect(berlin(night, '2026-01-10T04:59:00Z')).toBe(true);
    expect(berlin(night, '2026-01-09T04:59:00Z')).toBe(false);
  });

  test('follow the clock on the wall when it is set', () => {
    const morning = hours(['09:00-10:00']);
    expect(berlin(morning, '2026-03-28T08:30:00Z')).toBe(true);
    expect(berlin(morning, '2026-03-29T08:30:00Z')).toBe(false);
    expect(berlin(morning, '2026-03-29T07:30:00Z')).toBe(true);
  });

  test('are what the calendar of exceptions says on its dates', () => {
    const office = hours(['mon-fri 09:00-17:00'], { '2026-12-25': [], '2026-12-26': ['10:00-12:00'] });
    expect(berlin(office, '2026-12-25T10:00:00Z')).toBe(false);
    expect(berlin(office, '2026-12-26T10:00:00Z')).toBe(true);
    expect(berlin(office, '2026-12-26T12:00:00Z')).toBe(false);
  });
});

describe('the estimate of a cost', () => {
  test('is what nine of ten runs did not exceed, at least the one that is set, at most the cap', () => {
    const tenToHundred = Array.from({ length: 10 }, (_, n) => (n + 1) * 10);
    expect(estimateCost([], tenToHundred)).toBe(90);
    expect(estimateCost([scoped({ costEstimateMicro: 95 })], tenToHundred)).toBe(95);
    expect(estimateCost([scoped({ costEstimateMicro: 95, maxCostPerRunMicro: 95 })], [500])).toBe(95);
  });

  test('is the cap when nothing else is known, and unknown without one', () => {
    expect(estimateCost([scoped({ maxCostPerRunMicro: 7 })], [])).toBe(7);
    expect(estimateCost([scoped({ maxCostPerDayMicro: 7 })], [])).toBeNull();
  });
});

describe('patterns of repositories', () => {
  test.each([
    ['https://git.example.com/team/*', 'https://git.example.com/team/app.git', true],
    ['https://git.example.com/team/*', 'https://git.example.com/team/app/deep', false],
    ['https://git.example.com/**', 'https://user:secret@git.example.com/team/app/deep', true],
    ['https://git.example.com/team/*', 'https://git-example.com/team/app', false],
    ['git@example.com:team/*', 'git@example.com:team/app.git', true],
  ])('%s covers %s: %s', (pattern, address, is) => {
    expect(isAllowedRepository([pattern], address)).toBe(is);
  });

  test('S-44, F-68: cost no time worth speaking of, however many stars they have', () => {
    const pattern = `https://h/${'*a'.repeat(90)}`;
    const [began, held] = [performance.now(), heldUp()];
    expect(isAllowedRepository([pattern], `https://h/${'a'.repeat(2_000)}b`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000 + held());
  });
});

describe('the weight of a migration', () => {
  const day = (n: number) => new Date(at('2026-01-01T00:00:00Z') + n * 60_000).toISOString();
  const agents = (weight: number) =>
    Array.from({ length: 10_000 }, (_, n) => chooseMode('trigger', day(n), weight)).filter(
      (mode) => mode === 'agent',
    ).length;

  test('sends 2,900 to 3,100 of 10,000 times to the agent at 0.3', () => {
    expect(agents(0.3)).toBeGreaterThan(2_900);
    expect(agents(0.3)).toBeLessThan(3_100);
  });

  test('is exact at 0 and 1', () => {
    expect([agents(0), agents(1)]).toEqual([0, 10_000]);
  });

  test('takes the same path for the same time, and keeps it when it grows', () => {
    const chosen = Array.from({ length: 200 }, (_, n) => chooseMode('t', day(n), 0.3));
    expect(Array.from({ length: 200 }, (_, n) => chooseMode('t', day(n), 0.3))).toEqual(chosen);
    const grown = Array.from({ length: 200 }, (_, n) => chooseMode('t', day(n), 0.6));
    expect(chosen.every((mode, n) => mode === 'classic' || grown[n] === 'agent')).toBe(true);
  });
});

describe('a verdict', () => {
  const everything = {
    allowedHours: { timezone: null, windows: [], except: {} },
    allowedRepositories: ['https://a/*'],
    allowedExecutors: ['docker'],
    breaker: rule(),
    cooldownMs: 10,
    maxRunsPerDay: 1,
    maxCostPerDayMicro: 1,
    maxConcurrent: 1,
    requireApproval: { role: 'ops', expiresMs: 1 },
  };

  test('tells every check in its order, and the first that failed decides', () => {
    const asked = question([scoped(everything)], {
      repository: 'https://b/c',
      overlap: { name: 'overlap', passed: false, limit: 'skip', value: 't', reason: 'overlap_skipped' },
      history: {
        ...question([]).history,
        lastRuns: { startAt: 1_000_000, successAt: null },
        used: new Map([['runs workflow id UTC 1970-01-01', 1]]),
        unfinished: { workflow: 1 },
      },
    });
    const { checks, decision, reason } = judge(asked);
    expect([decision, reason]).toEqual(['deny', 'outside_hours']);
    expect(checks.map(({ name, passed, reason }) => [name, passed, reason])).toEqual([
      ['hours', false, 'outside_hours'],
      ['repository', false, 'repository_refused'],
      ['executor', false, 'executor_refused'],
      ['breaker', true, undefined],
      ['cooldown', false, 'cooldown'],
      ['overlap', false, 'overlap_skipped'],
      ['runs_per_day', false, 'run_limit'],
      ['cost_per_day', false, 'cost_unknown'],
      ['concurrency', false, 'concurrency'],
      ['approval', false, 'approval_asked'],
    ]);
  });

  test('asks when nothing but an approval is missing, and allows once it is there', () => {
    const policies = [
      scoped({ requireApproval: { role: 'ops', expiresMs: 5 } }),
      scoped({ requireApproval: { role: 'finance', expiresMs: 5 } }, 'global'),
    ];
    expect(judge(question(policies))).toMatchObject({ decision: 'ask', approval: { role: 'ops' } });
    expect(judge(question(policies, { approved: ['ops'] }))).toMatchObject({ approval: { role: 'finance' } });
    expect(judge(question(policies, { approved: ['ops', 'finance'] })).decision).toBe('allow');
  });

  test('a person passes over hours and cooldown, never over limits', () => {
    const { allowedHours, cooldownMs } = everything;
    const lastRuns = { startAt: 999_999, successAt: null };
    const history = { ...question([]).history, lastRuns };
    const soft = question([scoped({ allowedHours, cooldownMs })], { isForced: true, history });
    expect(judge(soft).decision).toBe('allow');
    expect(judge(soft).checks.map(({ reason }) => reason)).toEqual(['forced', 'forced']);
    const used = new Map([['runs workflow id UTC 1970-01-01', 1]]);
    const hard = question([scoped({ maxRunsPerDay: 1 })], { isForced: true, history: { ...history, used } });
    expect(judge(hard).reason).toBe('run_limit');
  });

  test('is in the shadow when any policy says so', () => {
    const verdict = judge(question([scoped({}), scoped({ mode: 'shadow' }, 'session')]));
    expect([verdict.isShadow, verdict.decision]).toEqual([true, 'allow']);
  });

  test('leaves room for one more run exactly', () => {
    const policies = [scoped({ maxCostPerDayMicro: 100, costEstimateMicro: 40 })];
    const used = (micro: number) => ({
      ...question([]).history,
      used: new Map([['cost workflow id UTC 1970-01-01', micro]]),
    });
    expect(judge(question(policies, { history: used(60) })).decision).toBe('allow');
    expect(judge(question(policies, { history: used(61) })).reason).toBe('cost_limit');
  });
});
