import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaultLimits, type WorkEvent, type WorkRequest } from '../../../../internal/coder/coding-agent.ts';
import { commandAgent } from '../../../../internal/coder/command/command-agent.ts';
import { type PresetName, presets } from '../../../../internal/coder/command/presets.ts';
import type { CommandTemplate } from '../../../../internal/coder/command/template.ts';
import type { PriceTable } from '../../../../internal/coder/prices.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';
import { lives } from '../../../fixtures/lives.ts';

let [top, slot, directory, bin] = ['', '', '', ''];
let events: WorkEvent[] = [];
beforeEach(() => {
  top = realpathSync(temporaryDirectory('command-agent'));
  [slot, directory, bin] = ['slot', 'work', 'bin'].map((name) => join(top, name)) as [string, string, string];
  for (const one of [slot, directory, bin]) mkdirSync(one);
  events = [];
});

/** Puts a program into the PATH of agents. */
function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

const custom: CommandTemplate = {
  ...{ command: 'agent', args: [], prompt: 'stdin', output: 'lines', environment: [], set: {} },
};

interface More {
  readonly template?: Partial<CommandTemplate>;
  readonly preset?: PresetName;
  readonly model?: string;
  readonly prices?: PriceTable;
  readonly request?: Partial<WorkRequest>;
  readonly env?: Record<string, string>;
}

/** Has a program work. @param script  of the program `agent`, or of that of the preset */
function work(script: string, more: More = {}) {
  const template = more.preset ? presets[more.preset] : { ...custom, ...more.template };
  program(template.command, script);
  const agent = commandAgent({
    ...{ clock: systemClock, random: systemRandom, name: more.preset ?? 'agent', template },
    ...{ model: more.model ?? null, prices: more.prices ?? {} },
    secrets: [{ name: 'SECRET', value: 'a-secret-of-the-task' }],
  });
  return agent.work({
    ...{ slot, directory, prompt: 'Make it so.\n', limits: { ...defaultLimits, timeoutMs: 200_000 } },
    env: { PATH: `${bin}:${process.env.PATH ?? ''}`, HOME: top, ...more.env },
    ...more.request,
    on: (event) => {
      events.push(event);
      more.request?.on?.(event);
    },
  });
}

/** What was told of its words, however they came together. */
const said = () => events.flatMap((event) => (event.type === 'said' ? [event.text] : [])).join('\n');
const transcript = () => readFileSync(join(directory, 'transcript.log'), 'utf8');

describe('a program as an agent', () => {
  test('works in the slot, gets its prompt on stdin, and tells what it spent and did', async () => {
    const ended = await work(`cat > got; echo hello; echo grumble >&2
      echo '{"usage": {"model": "toy-1", "tokens_in": 900, "tokens_out": 100, "cost_usd": "0.0125"}}'
      echo '{"usage": {"calls": 2, "tokens_in": 10, "tokens_out": 5, "cost_usd": 0.001}, "summary": "it is so"}'`);
    expect(readFileSync(join(slot, 'got'), 'utf8')).toBe('Make it so.\n');
    const usage = {
      model: 'toy-1',
      calls: 3,
      tokensIn: 910,
      tokensOut: 105,
      costMicros: 13_500,
      isEstimated: false,
    };
    expect(ended).toEqual({
      ...{ outcome: 'done', reason: null, summary: 'it is so', usage },
      transcriptFile: join(directory, 'transcript.log'),
    });
    expect(transcript()).toContain('hello\n');
    expect(transcript()).toContain('grumble\n');
    expect(said()).toBe('hello\nit is so');
    expect(events.filter(({ type }) => type === 'output')).toEqual([
      { type: 'output', stream: 'stderr', text: 'grumble\n' },
    ]);
  });

  test('may get its prompt in a file, and the values of its places as words, whatever is in them', async () => {
    const args = [
      '--in={prompt_file}',
      ['-m', '{model}'],
      ['--cost', '{max_cost}'],
      '{slot}',
      '{max_seconds}',
      '{files}',
    ];
    const request = {
      files: ['a b', '$(touch hit)'],
      limits: { ...defaultLimits, maxCostMicros: 1_500_000 },
    };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    const script = 'for one in "$@"; do echo "<$one>"; done > words; cat "${1#--in=}" > got; wc -c >> got';
    await work(script, { template: { args, prompt: 'file' }, request });
    expect(readFileSync(join(slot, 'got'), 'utf8')).toBe('Make it so.\n0\n');
    expect(readFileSync(join(slot, 'words'), 'utf8')).toBe(
      `<--in=${directory}/prompt.md>\n<--cost>\n<1.50>\n<${slot}>\n<1800>\n<a b>\n<$(touch hit)>\n`,
    );
    expect(readdirSync(slot).sort()).toEqual(['got', 'words']);
  });

  test('gets the variables that every program gets, those that it asked for, and no others', async () => {
    const env = {
      LANG: 'C',
      OTHER: '1',
      DATABASE_URL: 'x',
      TOY_KEY: 'toy-key-value',
      TOY_2: '2',
      KERUTA_API_TOKEN: 'x',
      KERUTA_RUN_ID: 'run',
    };
    await work('env | cut -d= -f1 | sort > names', {
      env,
      template: { environment: ['TOY_*'], set: { MODE: 'batch' } },
    });
    const names = readFileSync(join(slot, 'names'), 'utf8').split('\n');
    const own = ['KERUTA_CODER_ID', 'PWD', 'OLDPWD', 'SHLVL', '_', ''];
    expect(names.filter((name) => !own.includes(name))).toEqual([
      'HOME',
      'KERUTA_RUN_ID',
      'LANG',
      'MODE',
      'PATH',
      'TOY_2',
      'TOY_KEY',
    ]);
  });

  test('that fails is told with its status and its last words', async () => {
    expect(await work('echo "no network"; exit 7')).toMatchObject({
      ...{ outcome: 'failed', reason: 'exit', summary: 'it ended with status 7: no network' },
    });
    expect(await work(`echo '{"failed": "I give up"}'`)).toMatchObject({
      ...{ outcome: 'failed', reason: 'exit', summary: 'it ended with status 0: I give up' },
    });
    expect((await work('kill -9 $$')).summary).toBe('it was ended by SIGKILL');
  });

  test('that is not there is a fault of the configuration', async () => {
    const request = { env: { PATH: '/usr/bin:/bin' } };
    await expect(work('', { template: { command: 'no-such-agent-here' }, request })).rejects.toMatchObject({
      code: 'KERUTA_ERR_CONFIG',
      message: expect.stringContaining('no-such-agent-here (ENOENT); install it'),
    });
  });
});

describe('what a program spends', () => {
  /** Tells of more when it was heard, and never ends. */
  const spend = (request: Partial<WorkRequest>) => {
    let heard = 0;
    const on = ({ type }: WorkEvent) => {
      if (type === 'usage') writeFileSync(join(top, `heard-${++heard}`), '');
    };
    const line = `echo '{"usage": {"tokens_in": 100, "cost_usd": 0.4}}'`;
    const wait = `while [ ! -e ${top}/heard-$i ]; do sleep 0.05; done`;
    return work(`for i in 1 2 3 4 5; do ${line}; ${wait}; done; exec sleep 4714.01`, {
      request: { ...request, on },
    });
  };

  test.each([
    ['cost', { maxCostMicros: 800_000 }, '0.80 USD are spent, the limit is 0.80'],
    ['tokens', { maxTokens: 200 }, '200 tokens are used, the limit is 200'],
  ] as const)('ends it when it is over the %s that it may have', async (reason, limit, summary) => {
    const ended = await spend({ limits: { ...defaultLimits, ...limit } });
    expect(ended).toMatchObject({ outcome: 'limit', reason, summary });
    expect(lives('4714.01')).toBe(false);
  });

  test('is judged by the gate while it runs', async () => {
    const asked: (number | null)[] = [];
    const gate: NonNullable<WorkRequest['gate']> = async ({ total }) => {
      asked.push(total.costMicros);
      return asked.length < 2 ? null : 'enough for today';
    };
    const ended = await spend({ gate });
    expect(ended).toMatchObject({ outcome: 'limit', reason: 'gate', summary: 'enough for today' });
    expect(asked.slice(0, 2)).toEqual([400_000, 800_000]);
  });

  test('comes out as what the gate throws, when the program is gone', async () => {
    const gate = () => Promise.reject(new Error('nobody can tell'));
    await expect(spend({ gate })).rejects.toThrow('nobody can tell');
    expect(lives('4714.01')).toBe(false);
  });

  test('is not begun when it is limited, the program does not tell it and nobody knows the price', async () => {
    const limits = { ...defaultLimits, maxCostMicros: 1 };
    const begun = (more: More) => work('touch begun', { ...more, request: { limits } });
    await expect(begun({ preset: 'codex' })).rejects.toThrow('the agent does not tell it; give a "model"');
    await expect(begun({ preset: 'gemini', model: 'toy' })).rejects.toThrow(
      'no price is known for the model toy',
    );
    expect(existsSync(join(slot, 'begun'))).toBe(false);
    const prices = { toy: { inMicros: 1, outMicros: 1, cachedInMicros: 1 } };
    expect((await begun({ preset: 'codex', model: 'toy', prices })).outcome).toBe('done');
  });

  test('is priced when it does not tell its cost, and unknown without a price', async () => {
    const script = `echo '{"usage": {"model": "toy-2026-01-31", "tokens_in": 1000, "cached_in": 900, "tokens_out": 10}}'`;
    const prices = { toy: { inMicros: 5_000_000, outMicros: 10_000_000, cachedInMicros: 500_000 } };
    expect((await work(script, { prices })).usage.costMicros).toBe(1050);
    expect((await work(script)).usage.costMicros).toBeNull();
  });
});

describe('a hostile program', () => {
  test('that forks and stays behind is ended with all that it left', async () => {
    // what it is given ends after its outputs were looked at, by which alone the second one is found
    const script = 'cat >/dev/null; setsid sleep 4715.01 & env -i setsid sleep 4715.02 & sleep 0.2; echo bye';
    const ended = await work(script);
    expect(ended).toMatchObject({ outcome: 'done', summary: 'bye' });
    expect([lives('4715.01'), lives('4715.02')]).toEqual([false, false]);
    expect(transcript()).toContain('[2 processes that it left behind were ended]');
  });

  test.each([
    ['100 MB of lines', 'yes "a line of no use" | head -c 100000000'],
    ['30 MB in one line', 'head -c 30000000 /dev/zero | tr "\\0" x'],
  ])(
    'that prints %s fills neither memory nor disk',
    async (_what, print) => {
      const usage = `printf '\\n{"usage": {"tokens_in": 1}, "summary": "phew"}\\n'`;
      const ended = await work(`${print}; ${usage}`);
      expect(ended).toMatchObject({ outcome: 'done', summary: 'phew', usage: { tokensIn: 1 } });
      expect(statSync(ended.transcriptFile).size).toBeLessThan(17.5 * 1024 ** 2);
      expect(transcript()).toMatch(/\[… \d+ bytes are left out here …\]/);
      expect(transcript().endsWith('"summary": "phew"}\n')).toBe(true);
    },
    120_000,
  );

  test('that never ends is ended at its time', async () => {
    const request = { limits: { ...defaultLimits, timeoutMs: 500 } };
    const ended = await work("trap '' TERM; while :; do sleep 0.1; done", { request });
    expect(ended).toMatchObject({
      outcome: 'limit',
      reason: 'time',
      summary: 'it did not end within 1 s and was ended',
    });
  });

  test('that is aborted is gone when that comes out', async () => {
    const abort = new AbortController();
    const request = { signal: abort.signal, on: () => abort.abort(new Error('cancelled')) };
    await expect(work('echo up; sleep 4715.03', { request })).rejects.toThrow('cancelled');
    expect(lives('4715.03')).toBe(false);
  });

  test('that prints secrets, whole or in pieces, has them masked everywhere', async () => {
    const [secret, own] = ['a-secret-of-the-task', 'the-value-of-its-own-key'];
    const script = `cat; printf a-secret-of; sleep 0.2; echo -the-task; echo $TOY_KEY >&2; echo $TOY_KEY | base64
      echo "{\\"summary\\": \\"$TOY_KEY\\"}"`;
    const request = { prompt: `the token is ${secret}\n` };
    const ended = await work(script, {
      template: { environment: ['TOY_KEY'] },
      env: { TOY_KEY: own },
      request,
    });
    const seen = [
      transcript(),
      readFileSync(join(directory, 'prompt.md'), 'utf8'),
      JSON.stringify([ended, events]),
    ].join('\n');
    for (const form of [secret, own, Buffer.from(own).toString('base64').slice(0, 30)])
      expect(seen.includes(form)).toBe(false);
    expect(ended.summary).toBe('*'.repeat(own.length));
  });
});

describe('the preset', () => {
  /** Prints what a preset's program prints, and keeps what it got. */
  const plays = (lines: readonly unknown[], more = '') => {
    writeFileSync(
      join(top, 'played'),
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    );
    return `printf '%s\\n' "$@" > ${top}/args; cat > ${top}/stdin; cat ${top}/played; ${more}`;
  };
  const args = () => readFileSync(join(top, 'args'), 'utf8').trim().split('\n').join(' ');
  const stdin = () => readFileSync(join(top, 'stdin'), 'utf8');
  const limits = { ...defaultLimits, maxSteps: 30, maxCostMicros: 2_000_000 };

  test('claude is called as its documentation says, and understood', async () => {
    const usage = {
      input_tokens: 4,
      cache_creation_input_tokens: 100,
      cache_read_input_tokens: 1000,
      output_tokens: 50,
    };
    const part = (id: string, content: unknown) => ({
      type: 'assistant',
      message: { id, model: 'm', content, usage },
    });
    const script = plays([
      { type: 'system', subtype: 'init', model: 'claude-toy' },
      part('1', [{ type: 'text', text: 'I look.' }]),
      part('1', [{ type: 'tool_use', name: 'Bash', input: {} }]),
      part('2', [{ type: 'text', text: 'Done.' }]),
      {
        type: 'result',
        subtype: 'success',
        is_error: false,
        num_turns: 2,
        result: 'It is so.',
        total_cost_usd: 0.25,
        usage,
      },
    ]);
    const ended = await work(script, { preset: 'claude', model: 'opus', request: { limits } });
    expect(args()).toBe(
      '--print --output-format stream-json --verbose --permission-mode acceptEdits --allowedTools Bash --model opus --max-turns 30 --max-budget-usd 2.00',
    );
    expect(stdin()).toBe('Make it so.\n');
    expect(ended).toMatchObject({ outcome: 'done', summary: 'It is so.' });
    expect(ended.usage).toMatchObject({
      model: 'claude-toy',
      calls: 2,
      tokensIn: 2208,
      tokensOut: 100,
      costMicros: 250_000,
    });
    expect(said()).toBe('I look.\n[Bash]\nDone.');
  });

  test.each([
    ['error_max_budget_usd', 'cost'],
    ['error_max_turns', 'steps'],
  ])('claude, ended by itself with %s, has reached a limit', async (subtype, reason) => {
    const script = plays([{ type: 'result', subtype, is_error: true, total_cost_usd: 0.5 }], 'exit 1');
    expect(await work(script, { preset: 'claude' })).toMatchObject({ outcome: 'limit', reason });
  });

  test('codex is called as its documentation says, and understood', async () => {
    const script = plays([
      { type: 'thread.started', thread_id: 'x' },
      { type: 'item.started', item: { type: 'command_execution', command: 'ls' } },
      { type: 'item.completed', item: { type: 'agent_message', text: 'It is so.' } },
      { type: 'turn.completed', usage: { input_tokens: 1000, cached_input_tokens: 800, output_tokens: 20 } },
    ]);
    const prices = { toy: { inMicros: 10_000_000, outMicros: 100_000_000, cachedInMicros: 1_000_000 } };
    const ended = await work(script, { preset: 'codex', model: 'toy', prices });
    expect([args(), stdin()]).toEqual([
      'exec --json --sandbox workspace-write --model toy -',
      'Make it so.\n',
    ]);
    expect(ended).toMatchObject({ outcome: 'done', summary: 'It is so.' });
    expect(ended.usage).toEqual({
      model: 'toy',
      calls: 1,
      tokensIn: 1000,
      tokensOut: 20,
      costMicros: 4800,
      isEstimated: false,
    });
    const failed = plays([{ type: 'turn.failed', error: { message: 'no quota' } }], 'exit 1');
    expect((await work(failed, { preset: 'codex' })).summary).toBe('it ended with status 1: no quota');
  });

  test('gemini is called as its documentation says, and understood', async () => {
    const script = plays(
      [
        'MCP issues detected',
        { type: 'init', model: 'gemini-toy' },
        { type: 'message', role: 'user', content: 'x' },
        { type: 'message', role: 'assistant', content: 'I look.', delta: true },
        { type: 'tool_use', tool_name: 'read_file' },
        { type: 'tool_result', status: 'success' },
        { type: 'message', role: 'assistant', content: 'It is ', delta: true },
        { type: 'message', role: 'assistant', content: 'so.', delta: true },
        {
          type: 'result',
          status: 'success',
          stats: { total_tokens: 290, input_tokens: 250, output_tokens: 20, cached: 100 },
        },
      ],
      `echo "$GEMINI_CLI_TRUST_WORKSPACE" >> ${top}/args`,
    );
    const ended = await work(script, { preset: 'gemini' });
    expect(args()).toBe('--output-format stream-json --approval-mode yolo --prompt Do the task above. true');
    expect(ended).toMatchObject({ outcome: 'done', summary: 'It is so.' });
    expect(ended.usage).toMatchObject({
      model: 'gemini-toy',
      calls: 2,
      tokensIn: 250,
      tokensOut: 40,
      costMicros: null,
    });
  });

  test('aider is called as its documentation says, and understood', async () => {
    const script = plays([
      'Aider v0.86.2',
      'Model: openai/toy with diff edit format',
      'Tokens: 2.5k sent, 1.2k cache hit, 42 received. Cost: $0.0063 message, $0.0063 session.',
      'Applied edit to a.py',
      'Tokens: 12,450 sent, 1.1k received. Cost: $0.02 message, $0.0263 session.',
    ]);
    const ended = await work(script, { preset: 'aider', request: { files: ['a.py'] } });
    expect(args()).toMatch(
      /^--message-file \S+\/prompt\.md --yes-always --no-auto-commits .* --analytics-disable a\.py$/,
    );
    expect(stdin()).toBe('');
    expect(ended.usage).toMatchObject({
      model: 'openai/toy',
      calls: 2,
      tokensIn: 14_950,
      tokensOut: 1142,
      costMicros: 26_300,
    });
    expect(existsSync(join(slot, '.aider.input.history'))).toBe(false);
  });
});
