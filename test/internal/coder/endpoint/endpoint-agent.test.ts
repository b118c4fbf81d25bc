import { afterEach, describe, expect, test } from 'vitest';
import { defaultLimits } from '../../../../internal/coder/coding-agent.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { calls, done, lastMessage, messagesOf, says, saysWhole } from '../../../fake-server/chat.ts';
import { type FakeReply, faults } from '../../../fake-server/fake-server.ts';
import { key, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});
async function make(more: Parameters<typeof makePlace>[0] = {}) {
  const place = await makePlace(more);
  places.push(place);
  return place;
}
/** A place whose waits pass at once. */
const quick = () => make({ door: { clock: new TestClock() } });

describe('a model', () => {
  test('finds a file, changes it, runs the tests and finishes', async () => {
    const place = await make();
    place.put('src/sum.sh', 'echo $(($1 - $2))\n');
    const ended = await place.work([
      calls('search', { text: '$1' }, { text: 'I look around.' }),
      calls('read_file', { path: 'src/sum.sh' }),
      calls('patch_file', { path: 'src/sum.sh', edits: [{ old: '$1 - $2', new: '$1 + $2' }] }),
      calls('run_command', { command: 'test "$(sh src/sum.sh 1 2)" = 3 && echo good' }),
      done('it adds now'),
    ]);
    expect(place.read('src/sum.sh')).toBe('echo $(($1 + $2))\n');
    expect(ended).toMatchObject({ outcome: 'done', reason: null, summary: 'it adds now' });
    // 100 tokens at 10 micro-dollars and 10 at 20, five times
    const usage = {
      model: 'gpt-4',
      calls: 5,
      tokensIn: 500,
      tokensOut: 50,
      costMicros: 6000,
      isEstimated: false,
    };
    expect(ended.usage).toEqual(usage);
    expect(place.server.requests.map(lastMessage)).toEqual([
      'Make it so.',
      'src/sum.sh:1: echo $(($1 - $2))',
      'echo $(($1 - $2))\n',
      'changed src/sum.sh in one place',
      'exit status 0\ngood\n',
    ]);
    const [first] = place.server.requests;
    expect(first!.headers.authorization).toBe(`Bearer ${key}`);
    expect(first!.json).toMatchObject({
      model: 'gpt-4',
      stream: true,
      stream_options: { include_usage: true },
    });
    const tools = (first!.json as { tools: { function: { name: string } }[] }).tools.map(
      (one) => one.function.name,
    );
    expect(tools.join(' ')).toBe('list_files read_file search patch_file write_file run_command finish');
    const told = place.events.map((event) =>
      event.type === 'tool' ? `${event.name} ${event.subject}` : event.type,
    );
    expect(told.filter((what) => what !== 'usage')).toEqual([
      'said',
      'search $1',
      'read_file src/sum.sh',
      'patch_file src/sum.sh',
      'run_command test "$(sh src/sum.sh 1 2)" = 3 && echo good',
      'finish done',
    ]);
    expect(place.transcript().map(({ type }) => type)).toEqual([
      'prompt',
      ...Array.from({ length: 5 }, () => ['answer', 'tool']).flat(),
      'end',
    ]);
  });

  test('may call several tools at once, and each call gets its own result', async () => {
    const place = await make();
    const twice = [
      { name: 'write_file', args: { path: 'a', content: '1' }, id: 'same' },
      { name: 'write_file', args: { path: 'b', content: '2' }, id: 'same' },
    ];
    await place.work([says({ calls: twice }), done()]);
    expect([place.read('a'), place.read('b')]).toEqual(['1', '2']);
    const results = messagesOf(place.server.requests[1]).filter(({ role }) => role === 'tool');
    expect(new Set(results.map((one) => one.tool_call_id)).size).toBe(2);
  });

  test('is understood when its endpoint does not stream, and when it does not number its calls', async () => {
    const place = await make();
    const unnumbered = [
      '{"choices":[{"delta":{"tool_calls":[{"id":"x","function":{"name":"write_file","arguments":"{\\"path\\":\\"b\\","}}]}}]}',
      '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"\\"content\\":\\"2\\"}"}}]},"finish_reason":"tool_calls"}]}',
    ];
    const whole = { name: 'write_file', args: { path: 'a', content: '1' } };
    const ended = await place.work([
      saysWhole({ calls: [whole] }),
      {
        headers: { 'content-type': 'text/event-stream' },
        text: unnumbered.map((data) => `data: ${data}\n\n`).join(''),
      },
      done(),
    ]);
    expect([ended.outcome, place.read('a'), place.read('b')]).toEqual(['done', '1', '2']);
    expect(ended.usage.isEstimated).toBe(true);
  });

  test('that cannot do it says so, and that is a failure', async () => {
    const place = await make();
    const stuck = calls('finish', { outcome: 'stuck', summary: 'there is no such file' });
    expect(await place.work([stuck])).toMatchObject({
      outcome: 'failed',
      reason: 'stuck',
      summary: 'there is no such file',
    });
  });

  test('is told which files to begin with', async () => {
    const place = await make();
    await place.work([done()], { files: ['a.ts', 'b.ts'] });
    expect(lastMessage(place.server.requests[0])).toBe(
      'Make it so.\nBegin with these files:\n\n- a.ts\n- b.ts\n',
    );
  });

  test('may run no commands where nothing runs them', async () => {
    const place = await make({ parts: { runner: null } });
    await place.work([calls('run_command', { command: 'id' }), done()]);
    expect(lastMessage(place.server.requests[1])).toMatch(/^not done: there is no tool "run_command"/);
  });
});

describe('an endpoint', () => {
  test.each<[string, FakeReply]>([
    ['answers 500', faults.error500],
    ['answers 503', { status: 503, text: 'busy' }],
    ['resets the connection', faults.reset],
    ['sends a page that is no answer', faults.html],
    ['sends nothing at all', { headers: { 'content-type': 'text/event-stream' }, text: '\n' }],
    ['cuts the stream in the middle', says({ text: 'I was about to say' }, 3)],
    [
      'breaks the stream off with an error',
      {
        headers: { 'content-type': 'text/event-stream' },
        text: 'data: {"error":{"message":"overloaded"}}\n\n',
      },
    ],
    [
      'breaks the connection in the middle',
      { ...faults.cut, headers: { 'content-type': 'text/event-stream' } },
    ],
  ])('that %s is asked again', async (_what, fault) => {
    const place = await quick();
    expect(await place.work([fault, fault, done()])).toMatchObject({ outcome: 'done' });
    const retries = place.events.filter((event) => event.type === 'retry');
    expect(retries.map(({ delayMs }) => delayMs)).toEqual([1000, 2000]);
    expect(place.server.requests).toHaveLength(3);
    // what was cut off leaves nothing behind in the conversation
    expect(messagesOf(place.server.requests[2])).toHaveLength(2);
  });

  test('that wants to be left alone is, for as long as it says', async () => {
    const place = await quick();
    await place.work([faults.tooMany(17), done()]);
    const [retry] = place.events.filter((event) => event.type === 'retry');
    expect(retry).toEqual({ type: 'retry', why: 'the endpoint answered 429', delayMs: 17_000 });
  });

  test('that wants to be left alone for hours is given up', async () => {
    const place = await quick();
    const ended = await place.work([faults.tooMany(7200)]);
    expect(ended).toMatchObject({ outcome: 'failed', reason: 'endpoint' });
    expect(ended.summary).toBe('the endpoint answered 429; it wants to be left alone for 7200 s');
  });

  test('that stays away is given up after the tries that are allowed', async () => {
    const place = await quick();
    const ended = await place.work([faults.error500]);
    expect(ended).toMatchObject({
      outcome: 'failed',
      reason: 'endpoint',
      summary: 'the endpoint answered 500 (4 times)',
    });
    expect(place.server.requests).toHaveLength(4);
  });

  test.each<[string, FakeReply, string]>([
    [
      'a key that is not taken',
      { status: 401, json: { error: { message: `bad key ${key}` } } },
      `the endpoint answered 401: bad key ${'*'.repeat(key.length)}`,
    ],
    [
      'no money left',
      { status: 429, json: { error: { message: 'no quota', code: 'insufficient_quota' } } },
      'the endpoint answered 429: no quota',
    ],
    [
      'a model that is not there',
      { status: 404, json: { error: 'no such model' } },
      'the endpoint answered 404: {"error":"no such model"}',
    ],
  ])('is not asked again after %s', async (_what, fault, summary) => {
    const place = await quick();
    expect(await place.work([fault, done()])).toMatchObject({
      outcome: 'failed',
      reason: 'endpoint',
      summary,
    });
    expect(place.server.requests).toHaveLength(1);
  });

  test('that finds the conversation too long gets a shorter one', async () => {
    const place = await make();
    for (let at = 0; at < 6; at++) place.put(`f${at}`, 'long '.repeat(2000));
    const tooLong = { status: 400, json: { error: { message: 'x', code: 'context_length_exceeded' } } };
    const reads = Array.from({ length: 6 }, (_, at) => calls('read_file', { path: `f${at}` }));
    expect(await place.work([...reads, tooLong, done()])).toMatchObject({ outcome: 'done' });
    const sizes = place.server.requests.map(({ body }) => body.length);
    expect(sizes[7]).toBeLessThan(sizes[6]! * 0.6);
    expect(messagesOf(place.server.requests[7])[3]!.content).toMatch(/characters are left out/);
  });

  test('that has said all and does not end its answer is not waited for', async () => {
    const place = await make();
    const open: FakeReply = {
      headers: { 'content-type': 'text/event-stream' },
      stream: async (send, closed) => {
        const call = { index: 0, id: 'x', function: { name: 'list_files', arguments: '{}' } };
        send(
          `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [call] }, finish_reason: 'tool_calls' }] })}\n\n`,
        );
        send('data: [DONE]\n\n');
        await closed;
      },
    };
    expect(await place.work([open, done()])).toMatchObject({ outcome: 'done', usage: { calls: 2 } });
  });

  test('is paid for answers that broke off', async () => {
    const place = await quick();
    const ended = await place.work([says({ text: 'x'.repeat(700) }, 90), done()]);
    expect(ended.usage).toMatchObject({ calls: 2, isEstimated: true });
    expect(ended.usage.tokensOut).toBeGreaterThan(600 / 4);
  });
});

describe('answers that cannot be acted on', () => {
  test.each<[string, FakeReply, RegExp]>([
    ['words without a call', says({ text: 'I think it is done.' }), /^Your answer called no tool\./],
    ['nothing at all', says({}), /^Your answer was empty\./],
    [
      'an answer that was cut at its limit',
      says({ text: 'So', finish: 'length' }),
      /^Your answer was cut at its limit/,
    ],
    [
      'a tool that is not there',
      calls('delete_everything', {}),
      /^not done: there is no tool "delete_everything"; there are list_files/,
    ],
    [
      'arguments that are no JSON',
      calls('read_file', '{"path": '),
      /^not done: the arguments of read_file are no JSON object/,
    ],
    ['arguments of another shape', calls('read_file', { file: 'a' }), /^not done: path: /],
    ['a name of all sorts of signs', calls('"}]\u0000 hello', {}), /^not done: there is no tool/],
  ])('are handed back: %s', async (_what, nonsense, words) => {
    const place = await make();
    expect(await place.work([nonsense, done()])).toMatchObject({ outcome: 'done' });
    expect(lastMessage(place.server.requests[1])).toMatch(words);
  });

  test('are handed back three times in a row, and no more', async () => {
    const place = await make();
    const ended = await place.work([says({ text: 'hm' })]);
    expect(ended).toMatchObject({ outcome: 'failed', reason: 'nonsense' });
    expect(place.server.requests).toHaveLength(4);
  });

  test('count anew after one that could be acted on', async () => {
    const place = await make();
    const [hm, look] = [says({ text: 'hm' }), calls('list_files', {})];
    const ended = await place.work([hm, hm, hm, look, hm, hm, hm, done()]);
    expect(ended.outcome).toBe('done');
  });

  test('of a megabyte of open brackets hurt nobody', async () => {
    const place = await make();
    const args = `{"path":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
    const deep = saysWhole({ calls: [{ name: 'read_file', args }] });
    expect(await place.work([deep, done()])).toMatchObject({ outcome: 'done' });
  });
});

describe('work stops', () => {
  const look = calls('list_files', {});

  test('after the steps that it may have', async () => {
    const place = await make();
    const ended = await place.work([look], { limits: { ...defaultLimits, maxSteps: 5 } });
    expect(ended).toMatchObject({ outcome: 'limit', reason: 'steps', usage: { calls: 5 } });
    expect(place.server.requests).toHaveLength(5);
  });

  test.each([
    ['tokens', { maxTokens: 330 }, '330 tokens are used, the limit is 330'],
    ['cost', { maxCostMicros: 3600 }, '0.0036 USD are spent, the limit is 0.0036'],
  ] as const)('when its %s are used up, before the next call', async (reason, limit, summary) => {
    const place = await make();
    const ended = await place.work([look], { limits: { ...defaultLimits, ...limit } });
    expect(ended).toMatchObject({ outcome: 'limit', reason, summary });
    expect(place.server.requests).toHaveLength(3);
  });

  test('when the gate says no, which is asked after every call', async () => {
    const place = await make();
    const asked: (number | null)[][] = [];
    const gate: NonNullable<Parameters<Place['work']>[1]>['gate'] = async ({ added, total }) => {
      asked.push([added.costMicros, total.costMicros]);
      return asked.length === 2 ? 'the budget of the day is spent' : null;
    };
    const ended = await place.work([look], { gate });
    expect(ended).toMatchObject({
      outcome: 'limit',
      reason: 'gate',
      summary: 'the budget of the day is spent',
    });
    expect(asked).toEqual([
      [1200, 1200],
      [1200, 2400],
    ]);
    expect(place.server.requests).toHaveLength(2);
  });

  test('with what the gate throws', async () => {
    const place = await make();
    const gate = () => Promise.reject(new Error('nobody can tell'));
    await expect(place.work([look], { gate })).rejects.toThrow('nobody can tell');
  });

  test('when its time is up: in a call that is never answered, and in a command that never ends', async () => {
    const limits = { ...defaultLimits, timeoutMs: 700 };
    const silent = await make();
    expect(await silent.work([faults.blackHole], { limits })).toMatchObject({
      outcome: 'limit',
      reason: 'time',
    });
    const busy = await make();
    const ended = await busy.work([calls('run_command', { command: 'sleep 1000' })], { limits });
    expect(ended).toMatchObject({ outcome: 'limit', reason: 'time', summary: 'it was not done within 1 s' });
  });

  test('with the reason of the signal', async () => {
    const place = await make();
    const abort = new AbortController();
    const on = () => abort.abort(new Error('cancelled'));
    await expect(place.work([look], { signal: abort.signal, on })).rejects.toThrow('cancelled');
  });

  test('before it begins when its cost is limited and nobody knows the price', async () => {
    const place = await make({ parts: { prices: {} } });
    const limits = { ...defaultLimits, maxCostMicros: 1 };
    await expect(place.work([done()], { limits })).rejects.toThrow('no price is known for the model gpt-4');
    expect(place.server.requests).toEqual([]);
  });
});
