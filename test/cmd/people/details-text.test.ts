import { expect, test } from 'vitest';
import { detailsText } from '../../../cmd/keruta/people/details-text.ts';

const check = { name: 'runs_per_day', passed: false, limit: 3, value: 3, reason: 'run_limit' };

test.each([
  [{}, ''],
  [{ kind: 'push', of: 5 }, 'kind push, of 5'],
  [{ checks: [{ ...check, passed: true }] }, ''],
  [{ checks: [{ ...check, scope: 'workflow' }] }, 'runs_per_day 3 (limit 3)'],
  [{ checks: [{ ...check, scope: 'global' }] }, 'runs_per_day 3 (limit 3, set over everything)'],
  [{ a: 'b', checks: [{ ...check, scope: 'session' }] }, 'a b, runs_per_day 3 (limit 3, set at the session)'],
])('details %j are told as "%s"', (details, text) => {
  expect(detailsText(details)).toBe(text);
});
