import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';
import { writeWorkflow } from '../../../internal/trigger/write-workflow.ts';

const name = fc.stringMatching(/^[A-Za-z0-9é][A-Za-z0-9._-]{0,20}$/);
const text = fc.string({ maxLength: 40, unit: 'grapheme' });
const duration = fc.oneof(
  fc.integer({ min: 0, max: 10_000_000 }),
  fc.constantFrom('30s', '1h30m', '250ms', '2d', '1.5s'),
);
const optional = { requiredKeys: [] };
const instant = fc
  .date({ min: new Date('1980-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const overlap = fc.constantFrom('skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow');
const catchUp = {
  catchUp: fc.constantFrom('none', 'last', 'all'),
  catchUpWindow: duration,
  catchUpMax: fc.integer({ min: 1, max: 1000 }),
};
const focus = fc.stringMatching(/^[A-Za-zé][A-Za-z0-9é /_-]{0,20}[a-z]$/);
const key = text.filter((one) => one !== '__proto__');
const fields = fc
  .record(
    {
      ...{
        script: text,
        name: text,
        description: text,
        ref: text,
        timeout: duration,
        noOutputTimeout: duration,
      },
      parameters: fc.dictionary(key, fc.jsonValue({ noUnicodeString: false, maxDepth: 2 }), {
        noNullPrototype: true,
      }),
      priority: fc.integer({ min: -1000, max: 1000 }),
      autoFix: fc.boolean(),
    },
    optional,
  )
  .map((one) => ({ ...one, script: `${one.script ?? ''}\ntrue` }));
const context = fc
  .record(
    {
      description: text,
      acceptanceCriteria: fc.array(name, { maxLength: 3 }),
      ...{ requiredSkill: name, branchName: fc.constantFrom('fix/one', 'main') },
      ...{ playbook: fc.constant('plays/build.yaml'), publish: fc.constantFrom('none', 'pull-request') },
      focus: fc.array(focus, { maxLength: 2 }),
    },
    optional,
  )
  .map((one) => ({ title: 'Mend it', ...one }));
const agentTask = fc
  .tuple(fields, context, fc.constantFrom('agent', 'playbook', undefined))
  .map(([{ script: _, ...one }, wanted, kind]) => ({
    ...one,
    context: wanted,
    ...(kind === undefined ? {} : { kind }),
  }));
const template = fc.oneof(fields, agentTask);
const ofType = fc.oneof(
  fc.record({
    type: fc.constant('cron'),
    expression: fc.constantFrom('*/5 * * * *', '@daily', 'H H * * 1-5'),
    timezone: fc.constantFrom('Asia/Tokyo', 'UTC'),
  }),
  fc.record({ type: fc.constant('interval'), every: fc.constantFrom('30s', '2h', '90') }),
  fc.record({ type: fc.constant('file'), path: fc.constantFrom('~/in', '/in'), settle: fc.constant('5s') }),
  fc.record({ type: fc.constant('manual'), required: fc.array(name), confirm: fc.boolean() }),
);
const trigger = fc
  .tuple(
    ofType,
    fc.record(
      { enabled: fc.boolean(), overlap, spread: duration, startAt: instant, endAt: instant, ...catchUp },
      optional,
    ),
  )
  .map(([type, more]) => ({ ...type, ...more }));
const workflow = fc
  .record(
    {
      ...{ description: text, enabled: fc.boolean(), run: template, overlap, ...catchUp },
      session: text.filter((one) => one !== ''),
      focus: fc.oneof(focus, fc.array(focus, { maxLength: 3 })),
      repository: fc.record({
        url: fc.constant('https://example.org/r.git'),
        ref: fc.constantFrom('main', 'v1'),
      }),
      triggers: fc.array(trigger, { maxLength: 4 }),
      retry: fc.record(
        {
          maxAttempts: fc.integer({ min: 1, max: 100 }),
          backoff: fc.constantFrom('fixed', 'exponential'),
          ...{ delay: duration, maxDelay: duration },
          exitCodes: fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 5 }),
        },
        optional,
      ),
      concurrency: fc.record({ group: name, limit: fc.integer({ min: 1, max: 1000 }) }),
      ...{ onError: template, onComplete: template },
    },
    optional,
  )
  .chain((one) => fc.record({ name }).map((more) => ({ run: 'true', ...one, ...more })));

const options = { zone: 'UTC' };

test('what is written is read as the same definition, also through YAML', () => {
  fc.assert(
    fc.property(workflow, (value) => {
      const { definition, enabled } = readWorkflow(value, options);
      const written = writeWorkflow(definition, enabled);
      expect(readWorkflow(written, options)).toMatchObject({ definition, enabled });
      const { definition: again } = readWorkflow(parse(stringify(written)), options);
      expect(again).toEqual(definition);
    }),
    { numRuns: 300 },
  );
});

test('what has its default is left out, but for how often it is tried: that default is the server’s', () => {
  const { definition } = readWorkflow(
    { name: 'w', run: 'true', triggers: [{ type: 'cron', expression: '@daily' }] },
    options,
  );
  expect(writeWorkflow(definition, true)).toEqual({
    name: 'w',
    run: { script: 'true' },
    triggers: [{ type: 'cron', name: 'cron', expression: '@daily' }],
    retry: { maxAttempts: 1 },
  });
});
