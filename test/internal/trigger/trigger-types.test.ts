/** The laws of a type of trigger, for every type that there is: a new one adds its samples here. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScheduleContext, TriggerType } from '../../../internal/trigger/trigger-type.ts';
import { triggerTypes } from '../../../internal/trigger/types.ts';

interface Samples {
  /** its part of definitions that are accepted */
  readonly good: readonly Readonly<Record<string, unknown>>[];
  /** the fields without which the first of them is refused */
  readonly needed: readonly string[];
}

const auth = { type: 'github', secretEnv: 'HOOK_SECRET' };
const samples: Readonly<Record<string, Samples>> = {
  cron: {
    good: [{ expression: '30 2 * * *', timezone: 'Europe/Berlin' }, { expression: 'H/15 * * * 1-5' }],
    needed: ['expression'],
  },
  file: {
    good: [{ path: '/srv/in' }, { path: '~/in', patterns: ['*.pdf'], settle: '5s' }],
    needed: ['path'],
  },
  github: {
    good: [
      { repository: 'acme/site', events: ['push'] },
      { repository: 'acme/*', events: ['pull_request'], forks: true, report: ['status'] },
    ],
    needed: ['repository', 'events'],
  },
  interval: {
    good: [{ every: '90s' }, { every: '1d', at: '09:00' }, { every: '5m', from: 'end' }],
    needed: ['every'],
  },
  manual: { good: [{}, { required: ['version'], confirm: true }], needed: [] },
  'task-end': { good: [{ workflow: 'build' }], needed: [] },
  webhook: { good: [{ auth }, { auth: 'none', filter: '$.a == 1', wait: '5s' }], needed: ['auth'] },
  email: {
    good: [{ allowedSenders: ['*@example.org'], authservId: 'mx.example.net' }],
    needed: ['allowedSenders'],
  },
};

const host = { isLoopback: true, secret: () => 'a-secret-of-more-than-thirty-two-bytes' };
const context: ScheduleContext = { triggerId: 'trg_a', zone: 'UTC', anchorMs: Date.UTC(2026, 0, 1), host };

/** What is said against a definition, by its shape or beyond it; `''`: nothing. */
function refusal(type: TriggerType, spec: object): string {
  try {
    const read = type.spec.parse(spec);
    type.check?.(read, context);
    return '';
  } catch (error) {
    return String(error);
  }
}

test('every type has its samples', () => {
  expect(Object.keys(samples)).toEqual(expect.arrayContaining([...triggerTypes.keys()]));
});

const types = [...triggerTypes.values()].map((type) => [type.name, type] as const);

describe.each(types)('a trigger of type %s', (name, type) => {
  const { good, needed } = samples[name] ?? { good: [], needed: [] };

  test('that is accepted is accepted again, as it was read', () => {
    expect(good.length).toBeGreaterThan(0);
    for (const spec of good) {
      const read = type.spec.parse(spec);
      expect(type.check?.(read, context) ?? []).toEqual(expect.any(Array));
      // what a server has kept is read again whenever it is used
      expect(type.spec.parse(JSON.parse(JSON.stringify(spec)))).toEqual(read);
    }
  });

  test('with an unknown field, or without one that is needed, is refused with the field named', () => {
    const [first = {}] = good;
    expect(refusal(type, { ...first, colour: 'red' })).toContain('colour');
    for (const field of needed) {
      const { [field]: _, ...rest } = first;
      expect(refusal(type, rest)).toContain(field);
    }
  });

  test('that falls due by time has its next instant behind the one asked for, the same from any between', () => {
    for (const spec of good) {
      const schedule = type.schedule?.(type.spec.parse(spec), context);
      if (schedule === undefined) continue;
      fc.assert(
        fc.property(
          fc.integer({ min: context.anchorMs, max: Date.UTC(2030, 0, 1) }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (after, share) => {
            const next = schedule.next(after);
            if (next === null) return;
            expect(next).toBeGreaterThan(after);
            const between = Math.min(next - 1, after + Math.floor(share * (next - after)));
            expect(schedule.next(between)).toBe(next);
          },
        ),
        { numRuns: 50 },
      );
    }
  });
});
