import { describe, expect, test } from 'vitest';
import { expandPlaybook } from '../../../internal/playbook/expand-playbook.ts';
import { parsePlaybook } from '../../../internal/playbook/parse-playbook.ts';
import type { PlaybookEvent, StepCall } from '../../../internal/playbook/playbook.ts';
import { type PlaybookParts, runPlaybook } from '../../../internal/playbook/run-playbook.ts';
import { memoryState, openRun, type RunState } from '../../../internal/playbook/run-state.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { ended, type Script, ScriptedRunner } from './scripted-runner.ts';

/** A clock on which every wait is over at once; it says how long they were. */
function hurriedClock(): Clock & { readonly waits: number[] } {
  const inner = new TestClock();
  const waits: number[] = [];
  return Object.assign(inner, {
    waits,
    sleep: async (ms: number, signal?: AbortSignal) => {
      waits.push(ms);
      signal?.throwIfAborted();
    },
  });
}

interface Wish {
  readonly script?: Script;
  readonly during?: (call: StepCall) => void | Promise<void>;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly exists?: (name: string) => boolean;
  readonly state?: RunState;
  readonly on?: (event: PlaybookEvent) => Promise<void>;
  readonly parts?: Partial<PlaybookParts>;
}

async function run(text: string, wish: Wish = {}) {
  const { steps } = await expandPlaybook(parsePlaybook(text, { file: 'a.yaml' }), {
    load: () => Promise.reject(new Error('nothing is included')),
  });
  const runner = new ScriptedRunner(wish.script, wish.during);
  const clock = hurriedClock();
  const events: string[] = [];
  const result = await runPlaybook(steps, {
    clock,
    runner,
    run: openRun(wish.state ?? memoryState(), { steps, values: wish.values ?? {}, newId: 'r1' }),
    scope: { values: wish.values ?? {}, exists: wish.exists ?? (() => false) },
    on: async (event) => {
      const more =
        event.type === 'attempt-ended'
          ? `#${event.attempt.attempt} ${event.attempt.status}`
          : event.type === 'step-ended'
            ? `${event.result.status}${event.before ? ' before' : ''}`
            : event.type === 'attempt-started'
              ? `#${event.attempt}`
              : '';
      events.push(`${event.type} ${event.step.name} ${more}`.trim());
      await wish.on?.(event);
    },
    signal: new AbortController().signal,
    ...wish.parts,
  });
  const outcomes = result.steps.map(({ name, status, reason }) =>
    reason === null ? `${name}: ${status}` : `${name}: ${status} (${reason})`,
  );
  return { result, runner, clock, events, outcomes };
}

const fails = { exitCode: 3 };
const place = (text: string) => `\${{ ${text} }}`;

describe('a playbook that runs', () => {
  test('runs its steps in their order and tells each start and end', async () => {
    const { result, runner, events } = await run(
      'steps:\n  - { name: a, command: A }\n  - { name: b, command: B }\n',
    );
    expect(result.status).toBe('success');
    expect(runner.commands).toEqual(['A', 'B']);
    expect(runner.closed).toBe(1);
    expect(events).toEqual([
      ...['step-started a', 'attempt-started a #1', 'attempt-ended a #1 success', 'step-ended a success'],
      ...['step-started b', 'attempt-started b #1', 'attempt-ended b #1 success', 'step-ended b success'],
    ]);
  });

  test('has failed when a step failed, and runs none behind it but those that always run', async () => {
    const text =
      'steps:\n  - { name: a, command: A }\n  - { name: b, command: B }\n  - { name: c, command: C, always: true }\n';
    const { result, runner, outcomes } = await run(text, { script: { A: [fails] } });
    expect(result.status).toBe('failure');
    expect(runner.commands).toEqual(['A', 'C']);
    expect(outcomes).toEqual(['a: failure (exit_code)', 'b: skipped (earlier_failure)', 'c: success']);
    expect(result.steps[0]?.message).toBe('its command ended with exit code 3');
  });

  test('goes on after a step with fail_fast: false, and has failed all the same', async () => {
    const text = 'steps:\n  - { name: a, command: A, fail_fast: false }\n  - { name: b, command: B }\n';
    const { result, runner } = await run(text, { script: { A: [fails] } });
    expect([result.status, runner.commands]).toEqual(['failure', ['A', 'B']]);
  });

  test('does not count the failure of a step with continue_on_error, which later steps can ask for', async () => {
    const text =
      'steps:\n  - { name: a, command: A, continue_on_error: true }\n' +
      `  - { name: b, command: B, condition: 'status(a) == "failure" and status() == "success"' }\n`;
    const { result, runner } = await run(text, { script: { A: [fails] } });
    expect([result.status, runner.commands]).toEqual(['success', ['A', 'B']]);
  });

  test('skips a step whose condition is not met', async () => {
    const text = `steps:
  - { name: lint, command: A, condition: lint_enabled == true }
  - { name: npm, command: B, condition: 'exists("package.json")' }
  - { name: after, command: C, condition: status(lint) == "skipped" }
`;
    const one = await run(text, { exists: (name) => name === 'package.json' });
    expect(one.outcomes).toEqual(['lint: skipped (condition)', 'npm: success', 'after: success']);
    const other = await run(text, { values: { lint_enabled: 'true' } });
    expect(other.outcomes).toEqual([
      'lint: success',
      'npm: skipped (condition)',
      'after: skipped (condition)',
    ]);
  });

  test('gives later steps what earlier ones put out, as variables and in conditions', async () => {
    const text = `steps:
  - { name: Build it, command: A, outputs: [version] }
  - name: use
    command: B
    condition: steps.build_it.version == "1.2"
    env: { VERSION: "v${place('steps.build_it.version')}", FIXED: x }
    workdir: out/${place('steps.build_it.version')}
    artifacts: ["*-${place('steps.build_it.version')}.log"]
`;
    const { runner } = await run(text, { script: { A: [{ outputs: { version: '1.2' } }] } });
    expect(runner.calls[1]).toMatchObject({
      env: { VERSION: 'v1.2', FIXED: 'x' },
      workdir: 'out/1.2',
      artifacts: ['*-1.2.log'],
    });
  });

  test('gives them also what a step put out that failed', async () => {
    const text = `steps:
  - { name: a, command: A }
  - { name: b, command: B, always: true, env: { WHY: "${place('steps.a.why')}" } }
`;
    const { runner } = await run(text, { script: { A: [{ ...fails, outputs: { why: 'full' } }] } });
    expect(runner.calls[1]?.env).toEqual({ WHY: 'full' });
  });

  test('may have a thousand steps, which its second start only tells', async () => {
    const steps = Array.from(
      { length: 1000 },
      (_, n) => `  - { name: s${n}, command: C${n}, condition: n != ${n} }\n`,
    );
    const [text, state] = [`steps:\n${steps.join('')}`, memoryState()];
    const first = await run(text, { state, values: { n: 500 } });
    expect([first.result.status, first.runner.calls.length]).toEqual(['success', 999]);
    const second = await run(text, { state, values: { n: 500 } });
    expect([second.result.steps.length, second.runner.calls.length]).toEqual([1000, 0]);
  });

  test('knows copies of a step as one: failed when one failed, with the outputs of all', async () => {
    const text = `steps:
  - { name: test, command: A, fail_fast: false, matrix: { node: [1, 2] }, env: { N: "${place('matrix.node')}" } }
  - { name: end, command: B, condition: status(test) == "failure" and steps.test.x == "one" }
`;
    const { runner } = await run(text, { script: { A: [{ outputs: { x: 'one' } }, fails] } });
    expect(runner.calls.map(({ command, env }) => [command, env])).toEqual([
      ['A', { N: '1' }],
      ['A', { N: '2' }],
      ['B', {}],
    ]);
  });

  test('gives a step without a limit of its own that of the run', async () => {
    const text = 'steps:\n  - { name: a, command: A }\n  - { name: b, command: B, timeout_seconds: 2 }\n';
    const { runner } = await run(text, { parts: { stepTimeoutMs: 60_000 } });
    expect(runner.calls.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000, 2_000]);
  });

  test('closes the runner also when what happens cannot be written down', async () => {
    const runner = new ScriptedRunner();
    const state: RunState = {
      read: () => '',
      append: (line) => {
        if (line.includes('begun')) throw new Error('full');
      },
    };
    await expect(run('steps: [{ name: a, command: A }]', { state, parts: { runner } })).rejects.toThrow(
      'full',
    );
    expect([runner.closed, runner.commands]).toEqual([1, []]);
  });
});

describe('a step that fails', () => {
  const text = 'steps: [{ name: a, command: A, retry_count: 2 }]';

  test('is tried again as often as it says, after waits that grow', async () => {
    const { result, events, clock } = await run(text, {
      script: { A: [fails, { ...ended, reason: 'timeout', exitCode: null }, {}] },
    });
    expect(result).toMatchObject({ status: 'success', steps: [{ attempts: 3, reason: null }] });
    expect(events.filter((event) => event.includes('#'))).toEqual([
      ...['attempt-started a #1', 'attempt-ended a #1 failure', 'attempt-started a #2'],
      ...['attempt-ended a #2 failure', 'attempt-started a #3', 'attempt-ended a #3 success'],
    ]);
    expect(clock.waits).toEqual([1000, 2000]);
  });

  test('has failed after its last attempt, for the reason of that one', async () => {
    const { outcomes, runner } = await run(text, {
      script: { A: [fails, fails, { reason: 'timeout', exitCode: null, message: 'late' }] },
    });
    expect([outcomes, runner.commands]).toEqual([['a: failure (timeout)'], ['A', 'A', 'A']]);
  });

  test('is not waited for longer than half a minute', async () => {
    const { clock } = await run(text.replace('2', '8'), { script: { A: [fails] } });
    expect(clock.waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });
});

describe('a playbook that is stopped', () => {
  const text = `steps:
  - { name: a, command: A, retry_count: 5 }
  - { name: b, command: B }
  - { name: c, command: C, always: true }
  - { name: d, command: D, always: true, condition: status() == "cancelled" }
  - { name: e, command: E, always: true, condition: status() == "success" }
`;

  test('ends the step that runs, and runs those that always run once', async () => {
    const stop = new AbortController();
    const { result, runner, outcomes } = await run(text, {
      during: ({ command }) => {
        if (command === 'A') stop.abort();
      },
      parts: { signal: stop.signal },
    });
    expect(result.status).toBe('cancelled');
    expect(runner.commands).toEqual(['A', 'C', 'D']);
    expect(outcomes).toEqual([
      ...['a: cancelled (cancelled)', 'b: skipped (cancelled)', 'c: success', 'd: success'],
      'e: skipped (condition)',
    ]);
    expect(runner.calls.map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  });

  test('does not wait for the next attempt', async () => {
    const stop = new AbortController();
    const { outcomes, runner } = await run(text, {
      script: { A: [fails] },
      on: async ({ type }) => {
        if (type === 'attempt-ended') stop.abort();
      },
      parts: { signal: stop.signal },
    });
    expect([outcomes[0], runner.commands]).toEqual(['a: cancelled (cancelled)', ['A', 'C', 'D']]);
  });

  test('ends what always runs too when it is abandoned', async () => {
    const [stop, abandon] = [new AbortController(), new AbortController()];
    const { outcomes, runner } = await run(text, {
      during: ({ command }) => (command === 'A' ? stop.abort() : abandon.abort()),
      parts: { signal: stop.signal, abandon: abandon.signal },
    });
    expect(runner.commands).toEqual(['A', 'C']);
    expect(outcomes.slice(2)).toEqual([
      'c: cancelled (cancelled)',
      'd: skipped (cancelled)',
      'e: skipped (cancelled)',
    ]);
  });

  test('stays stopped in its next start, which runs what is still to be run always', async () => {
    const state = memoryState();
    const stop = new AbortController();
    const first = run(text, {
      state,
      during: ({ command }) => {
        if (command === 'A') stop.abort();
        if (command === 'C') throw new Error('killed');
      },
      parts: { signal: stop.signal },
    });
    await expect(first).rejects.toThrow('killed');
    const { runner, outcomes, events } = await run(text, { state });
    expect(runner.commands).toEqual(['C', 'D']);
    expect(runner.leftovers).toEqual(['r1.3.1']);
    expect(outcomes.slice(0, 4)).toEqual([
      ...['a: cancelled (cancelled)', 'b: skipped (cancelled)', 'c: success', 'd: success'],
    ]);
    expect(events.slice(0, 4)).toEqual([
      ...['step-ended a cancelled before', 'step-ended b skipped before', 'step-started c'],
      'attempt-ended c #1 interrupted',
    ]);
  });
});

describe('a second start of the same run', () => {
  const text = `steps:
  - { name: a, command: A }
  - { name: skip, command: S, condition: false }
  - { name: b, command: B, retry_count: 1, condition: steps.a.x == "1" }
  - { name: c, command: C, condition: steps.a.x == "1" }
`;
  const script: Script = { A: [{ outputs: { x: '1' } }], B: [fails, {}] };

  /** How often each command ran to its end. */
  class Counting extends ScriptedRunner {
    readonly done = new Map<string, number>();
    override async run(call: StepCall) {
      const end = await super.run(call);
      this.done.set(call.attemptId, (this.done.get(call.attemptId) ?? 0) + 1);
      return end;
    }
  }

  test('whatever write it was broken off before, runs no attempt twice and ends as one that was not', async () => {
    const whole = memoryState();
    const expected = await run(text, { script, state: whole });
    const count = whole.read().split('\n').length;
    expect(count).toBe(10);
    for (let place = 0; place < count; place++) {
      const state = memoryState();
      let left = place;
      const broken: RunState = {
        read: state.read,
        append: (line) => {
          if (left-- <= 0) throw new Error('killed');
          state.append(line);
        },
      };
      const counting = new Counting(script);
      const first = run(text, { state: broken, parts: { runner: counting } });
      await expect(first, `before write ${place}`).rejects.toThrow('killed');
      const second = await run(text, { state, parts: { runner: counting } });
      expect(second.result.status).toBe('success');
      expect(second.outcomes).toEqual(expected.outcomes);
      expect([...counting.done.values()].filter((times) => times > 1)).toEqual([]);
      // only an attempt whose end nobody wrote down is made again, under a number of its own
      expect(counting.leftovers.length).toBeLessThanOrEqual(1);
      const repeated = counting.commands.length - counting.leftovers.length;
      expect(repeated).toBeLessThanOrEqual(expected.runner.commands.length);
    }
  });

  test('tells what ended before and does nothing when all of it did', async () => {
    const state = memoryState();
    await run(text, { script, state });
    const { runner, events, result } = await run(text, { script, state });
    expect(runner.commands).toEqual([]);
    expect(events).toEqual([
      ...['step-ended a success before', 'step-ended skip skipped before'],
      ...['step-ended b success before', 'step-ended c success before'],
    ]);
    expect(result).toMatchObject({
      status: 'success',
      steps: [{ outputs: { x: '1' } }, {}, { attempts: 2 }, {}],
    });
  });

  test('shows the attempt that was broken off, which does not use up a retry', async () => {
    const state = memoryState();
    const first = run(text, {
      script,
      state,
      during: ({ command }) => {
        if (command === 'B') throw new Error('killed');
      },
    });
    await expect(first).rejects.toThrow('killed');
    const { events, result, runner } = await run(text, { script, state });
    expect(runner.leftovers).toEqual(['r1.3.1']);
    expect(runner.calls.map(({ attemptId }) => attemptId)).toEqual(['r1.3.2', 'r1.3.3', 'r1.4.1']);
    expect(events.filter((event) => event.includes(' b '))).toEqual([
      ...['attempt-ended b #1 interrupted', 'attempt-started b #2', 'attempt-ended b #2 failure'],
      ...['attempt-started b #3', 'attempt-ended b #3 success', 'step-ended b success'],
    ]);
    expect(result.steps[2]).toMatchObject({ attempts: 3, status: 'success' });
  });

  test('of other steps or parameters is refused', async () => {
    const state = memoryState();
    await run(text, { script, state });
    await expect(run(text.replace('command: C', 'command: D'), { state })).rejects.toThrow(
      'the steps of the playbook, or its parameters, are others than when this run began',
    );
    await expect(run(text, { state, values: { other: 1 } })).rejects.toThrow('or its parameters');
  });

  test('takes a playbook that was only moved about in its file', async () => {
    const state = memoryState();
    await run(text, { script, state });
    expect((await run(`# a comment\n\n${text}`, { state })).result.status).toBe('success');
  });

  test('passes over a line that was cut off', async () => {
    const state = memoryState();
    await run(text, { script, state });
    const lines = state.read().split('\n');
    const torn = memoryState();
    for (const line of lines.slice(0, 3)) torn.append(line);
    torn.append((lines[3] ?? '').slice(0, 10));
    expect((await run(text, { script, state: torn })).runner.commands).toEqual(['B', 'B', 'C']);
  });
});
