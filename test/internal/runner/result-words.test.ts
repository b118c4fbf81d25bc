import { describe, expect, test } from 'vitest';
import { resultJson, resultText } from '../../../internal/runner/result-words.ts';
import type { RunnerResult } from '../../../internal/runner/runner.ts';

const good: RunnerResult = {
  ...{ success: true, error: null, taskId: '3f2a9c01d2e4-1.1', durationMs: 72_345.6 },
  phases: [
    { phase: 'prepare', outcome: 'done', message: '', durationMs: 1000 },
    { phase: 'test', outcome: 'skipped', message: 'no tests', durationMs: 0 },
  ],
  artifacts: [{ type: 'diff', name: 'work.diff', uri: 'file:///a/work.diff', sizeBytes: 12 }],
  ...{
    branch: 'keruta-task-3f2a9c01d2e4',
    commit: '0123456789abcdef0123456789abcdef01234567',
    isPushed: true,
  },
  pullRequestUrl: 'https://github.com/acme/site/pull/7',
  changes: { files: 1, insertions: 10, deletions: 2 },
  tests: { command: 'npm test', passed: true, rounds: 2, report: { tests: 12, failed: 0, skipped: 1 } },
  usage: { model: 'gpt-4', calls: 3, tokensIn: 1200, tokensOut: 34, costMicros: 123_400 },
  ...{ memoryMb: 210, cpuPercent: 35 },
};

const bad: RunnerResult = {
  ...{
    success: false,
    taskId: 't',
    phases: [{ phase: 'prepare', outcome: 'failed', message: 'x', durationMs: 9 }],
  },
  error: {
    kind: 'WorkspacePreparationError',
    message: 'the branch conflicts with main',
    details: Array.from({ length: 25 }, (_, at) => `src/file-${at}.ts`),
  },
  ...{ artifacts: [], branch: null, commit: null, isPushed: false, pullRequestUrl: null, changes: null },
  ...{ tests: null, usage: null, durationMs: 12, memoryMb: null, cpuPercent: null },
};

describe('a result for programs', () => {
  test('has what the agent runner tells, and what we add', () => {
    expect(resultJson(good)).toEqual({
      ...{ success: true, error: null, task_id: '3f2a9c01d2e4-1.1' },
      artifacts: [{ type: 'diff', name: 'work.diff', uri: 'file:///a/work.diff', size_bytes: 12 }],
      ...{ llm_model: 'gpt-4', tokens_used: 1234, duration_seconds: 72.346, memory_mb: 210, cpu_percent: 35 },
      usage: { calls: 3, tokens_in: 1200, tokens_out: 34, cost_usd: '0.1234' },
      ...{ branch: good.branch, commit: good.commit, pushed: true, pull_request_url: good.pullRequestUrl },
      changes: { files: 1, insertions: 10, deletions: 2 },
      tests: { command: 'npm test', passed: true, rounds: 2, tests: 12, failed: 0, skipped: 1 },
      phases: [
        { phase: 'prepare', outcome: 'done', message: '', duration_seconds: 1 },
        { phase: 'test', outcome: 'skipped', message: 'no tests', duration_seconds: 0 },
      ],
    });
  });

  test('says null of what is not known, and has the same fields', () => {
    const json = resultJson(bad);
    expect(json).toMatchObject({
      ...{ success: false, error: bad.error, llm_model: null, tokens_used: null, usage: null, tests: null },
      ...{ memory_mb: null, cpu_percent: null, branch: null, pushed: false, duration_seconds: 0.012 },
    });
    expect(Object.keys(json)).toEqual(Object.keys(resultJson(good)));
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });

  test('does not guess a cost or counts of tests', () => {
    const json = resultJson({
      ...good,
      usage: { model: null, calls: 1, tokensIn: 1, tokensOut: 1, costMicros: null },
      tests: { command: 'make test', passed: false, rounds: 1, report: null },
    });
    expect(json).toMatchObject({
      ...{ llm_model: null, usage: { cost_usd: null } },
      tests: { passed: false, tests: null, failed: null, skipped: null },
    });
  });
});

describe('a result for people', () => {
  test('says what was made and where it is', () => {
    expect(resultText(good)).toBe(
      `done in 1m12s
  phases  prepare, test (skipped)
  branch  keruta-task-3f2a9c01d2e4, pushed
  commit  0123456789ab, 1 file, +10 -2
  review  https://github.com/acme/site/pull/7
  tests   npm test: passed, 0 of 12 failed, 1 skipped, 2 rounds
  agent   gpt-4, 3 calls, 1200 tokens in, 34 out, 0.1234 USD
  diff    file:///a/work.diff`,
    );
  });

  test('says first what is wrong, and not more than helps', () => {
    const lines = resultText(bad).split('\n');
    expect(lines[0]).toBe('failed after 1s: WorkspacePreparationError: the branch conflicts with main');
    expect(lines.slice(1, 3)).toEqual(['  - src/file-0.ts', '  - src/file-1.ts']);
    expect(lines.slice(-2)).toEqual(['  … and 5 more', '  phases  prepare (failed)']);
    expect(lines).toHaveLength(23);
  });

  test('says nothing of tokens that nobody told', () => {
    const usage = { model: null, calls: 0, tokensIn: 0, tokensOut: 0, costMicros: null };
    expect(resultText({ ...good, usage })).not.toContain('agent');
    expect(resultText({ ...good, usage: { ...usage, model: 'opus' } })).toContain('  agent   opus\n');
  });

  test('shows what would steer a terminal', () => {
    const error = { kind: 'PushError', message: 'a\x1b[2Jb', details: ['c\rd'] } as const;
    const lines = resultText({ ...bad, error, branch: 'x\x1b]0;title\x07' }).split('\n');
    expect(lines.slice(0, 2)).toEqual(['failed after 1s: PushError: a\\x1b[2Jb', '  - c\\rd']);
    expect(lines.join('')).toMatch(/^[^\p{Cc}]*$/u);
  });
});
