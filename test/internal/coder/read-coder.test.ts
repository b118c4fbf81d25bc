import { describe, expect, test } from 'vitest';
import { makeCoder } from '../../../internal/coder/make-coder.ts';
import { readCoder } from '../../../internal/coder/read-coder.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const make = (definition: unknown, variables: Readonly<Record<string, string>> = {}) =>
  makeCoder(readCoder(definition), {
    ...{ clock: systemClock, random: systemRandom, http: makeHttp({ userAgent: 'test/1' }), secrets: [] },
    secretOf: (name) => variables[name] ?? null,
    runner: () => () => Promise.reject(new Error('not asked for')),
  });

describe('a definition', () => {
  test('of an endpoint has what is usual when it says no more', () => {
    expect(readCoder({ agent: 'endpoint' })).toEqual({
      ...{ kind: 'endpoint', model: 'gpt-4', baseUrl: 'https://api.openai.com/v1', prices: {} },
      ...{ keyVariable: 'OPENAI_API_KEY', needsKey: true, timeoutMs: 120_000, retryCount: 3 },
      ...{ maxAnswerTokens: null, mayRunCommands: true },
      limits: { maxSteps: 100, maxTokens: 2_000_000, maxCostMicros: null, timeoutMs: 1_800_000 },
    });
  });

  test('takes prices in dollars per million tokens, and limits', () => {
    const given = {
      ...{ agent: 'endpoint', endpoint: 'http://127.0.0.1:1234/v1/', max_cost: '1.50', timeout: '5m' },
      prices: { a: { in: 2.5, out: '10' }, b: { in: 1, out: 2, cached_in: 0.1 } },
    };
    expect(readCoder(given)).toMatchObject({
      ...{
        baseUrl: 'http://127.0.0.1:1234/v1',
        needsKey: false,
        limits: { maxCostMicros: 1_500_000, timeoutMs: 300_000 },
      },
      prices: {
        a: { inMicros: 2_500_000, outMicros: 10_000_000, cachedInMicros: 2_500_000 },
        b: { cachedInMicros: 100_000 },
      },
    });
  });

  test('of a preset may have more words, another program and more variables', () => {
    const given = {
      agent: 'codex',
      command: '/opt/codex',
      more_args: ['--ephemeral'],
      environment: ['MY_*'],
    };
    expect(readCoder(given)).toMatchObject({
      ...{ kind: 'command', name: 'codex' },
      template: { command: '/opt/codex', environment: ['OPENAI_*', 'CODEX_*', 'MY_*'] },
    });
    expect(readCoder(given)).toHaveProperty('template.args.6', '-');
    expect(readCoder(given)).toHaveProperty('template.args.5', '--ephemeral');
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /^coder: /],
    ['an agent that is not known', { agent: 'copilot' }, /^coder\.agent: /],
    ['a key that is not known', { agent: 'claude', modle: 'x' }, /modle/],
    ['a custom agent without a program', { agent: 'custom' }, /^coder\.command: /],
    [
      'a place that is not known',
      { agent: 'custom', command: 'a', args: ['{prompt}'] },
      /^coder\.args\[0\].*/,
    ],
    [
      'a price that is none',
      { agent: 'endpoint', prices: { a: { in: 'cheap', out: 1 } } },
      /^coder\.prices\.a\.in: expected dollars such as 2\.50/,
    ],
    [
      'an address of another kind',
      { agent: 'endpoint', endpoint: 'file:///etc/passwd' },
      /^coder\.endpoint: /,
    ],
    [
      'a time that is none',
      { agent: 'endpoint', timeout: 'soon' },
      /^coder\.timeout: expected a duration such as 30m/,
    ],
  ])('with %s is refused', (_what, value, words) => {
    expect(() => readCoder(value)).toThrow(expect.objectContaining({ code: 'KERUTA_ERR_CONFIG' }));
    expect(() => readCoder(value)).toThrow(words);
  });
});

describe('an agent', () => {
  test('is made of its definition, and has a name for people', () => {
    expect(make({ agent: 'claude' }).name).toBe('claude');
    expect(make({ agent: 'custom', command: '/opt/bin/toy' }).name).toBe('toy');
    expect(make({ agent: 'endpoint' }, { OPENAI_API_KEY: 'sk-1\n' }).name).toBe('gpt-4 at api.openai.com');
    expect(make({ agent: 'endpoint', endpoint: 'http://localhost:11434/v1' }).name).toBe(
      'gpt-4 at localhost:11434',
    );
  });

  test('is not made without a key where one is wanted, nor with one that is none', () => {
    expect(() => make({ agent: 'endpoint' })).toThrow(/wants a key, and OPENAI_API_KEY is not set/);
    expect(() => make({ agent: 'endpoint' }, { OPENAI_API_KEY: 'two words' })).toThrow(/is no key/);
    expect(() => make({ agent: 'endpoint' }, { OPENAI_API_KEY: 'two words' })).not.toThrow(/two words/);
  });
});
