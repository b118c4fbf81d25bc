import { describe, expect, test } from 'vitest';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';
import { writeWorkflow } from '../../../internal/trigger/write-workflow.ts';

const read = (notify: unknown, channels?: readonly string[]) => {
  const host = channels === undefined ? undefined : { isLoopback: true, secret: () => null, channels };
  return readWorkflow({ name: 'w', run: 'true', notify }, { zone: 'UTC', host });
};
const nothing = { to: null, on: null, failures: null, subject: null, text: null };

describe('notify of a workflow', () => {
  test('is one rule or a list, with texts in the place of lists; what is left out is the server’s', () => {
    expect(read(undefined).definition.notify).toBeNull();
    expect(read([]).definition.notify).toEqual([]);
    expect(read({ to: 'ops' }).definition.notify).toEqual([{ ...nothing, to: ['ops'] }]);
    const rules = [
      { on: 'failure', failures: [2, 4] },
      { to: [], subject: '{workflow}: {summary}' },
    ];
    expect(read(rules).definition.notify).toEqual([
      { ...nothing, on: ['failure'], failures: [2, 4] },
      { ...nothing, to: [], subject: '{workflow}: {summary}' },
    ]);
  });

  test.each([
    [undefined],
    [[]],
    [{ to: ['ops', 'mail'], on: ['failure'], failures: [1], subject: '{task}', text: 'x' }],
    [[{ to: 'a' }, {}]],
  ])('%j is written as it is read', (notify) => {
    const { definition } = read(notify);
    const written = writeWorkflow(definition, true);
    expect(readWorkflow(written, { zone: 'UTC' }).definition).toEqual(definition);
  });

  test('of a definition that an older server wrote is not there, and does no harm', () => {
    const { notify: _, ...older } = read(undefined).definition;
    expect(writeWorkflow(older as never, true)).toEqual({
      ...{ name: 'w', run: { script: 'true' } },
      retry: { maxAttempts: 1 },
    });
  });

  test.each([
    [{ to: 'a b' }, 'notify'],
    [{ on: 'fail' }, 'notify'],
    [{ on: [] }, 'notify'],
    [{ failures: [] }, 'notify'],
    [{ failures: [0] }, 'notify'],
    [{ failures: [3, 1] }, 'notify'],
    [{ failures: [1, 1] }, 'notify'],
    [{ subject: '{wrokflow}' }, 'notify'],
    [{ channel: 'ops' }, 'notify'],
    [{ to: 'ops', url: 'https://hooks.slack.com/secret' }, 'notify'],
    ['ops', 'notify'],
  ])('that says %j is refused', (notify, field) => {
    expect(() => read(notify)).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_WORKFLOW' }));
    expect(() => read(notify)).toThrow(field);
  });

  test('warns of a channel that the server has not, and names those that it has', () => {
    expect(read({ to: ['ops', 'opps'] }, ['ops', 'mail']).warnings).toEqual([
      { path: ['notify'], message: 'there is no channel opps; the server has ops, mail' },
    ]);
    expect(read({ to: 'ops' }, []).warnings[0]?.message).toContain('the server has none');
    expect(read({ to: 'ops' }).warnings).toEqual([]);
  });
});
