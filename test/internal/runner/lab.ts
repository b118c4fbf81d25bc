/** A repository with a failing test, a pool, and a runner between them: everything real but the model. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { CoderDefinition } from '../../../internal/coder/read-coder.ts';
import { readCoder } from '../../../internal/coder/read-coder.ts';
import { defaultIdentity } from '../../../internal/pool/flow/identity.ts';
import { doTask } from '../../../internal/runner/do-task.ts';
import type { RunnerParts } from '../../../internal/runner/run-parts.ts';
import type { RunnerConfig, RunnerResult, RunnerTask } from '../../../internal/runner/runner.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { git, makeRepository, temporaryDirectory } from '../../fixtures/git.ts';
import { makePool, makeRemote } from '../pool/pool-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A secret of the task. */
export const secret = 'a-secret-of-the-runner';

/** A program whose test fails until `sum.js` adds. */
export const files = {
  'package.json': JSON.stringify({ name: 'app', private: true, scripts: { test: 'node check.js' } }),
  'sum.js': 'module.exports = (a, b) => a - b;\n',
  'check.js':
    "const sum = require('./sum.js');\nif (sum(2, 2) !== 4) { console.log('2 + 2 is ' + sum(2, 2)); process.exit(1); }\n",
  'README.md': '# app\n',
};

/** The change that is wanted. */
export const mended = 'module.exports = (a, b) => a + b;\n';

export const context: RunnerTask['context'] = {
  ...{ taskId: '1.1', specName: 'app', title: 'Mend the sum', description: 'It subtracts.' },
  acceptanceCriteria: ['2 + 2 is 4'],
  ...{ requiredSkill: null, focus: [], branchName: null, targetBranch: null, playbook: null },
  ...{ slotId: null, slotPath: null, publish: 'branch' },
};

/** What a lab was asked to tell. */
interface Told {
  readonly progress: string[];
  readonly logs: string[];
  readonly artifacts: string[];
  readonly costs: number[];
  printed: string;
}

export type Lab = ReturnType<typeof makeLab>;

/** Makes one. */
export function makeLab(given: { readonly files?: Readonly<Record<string, string>> } = {}) {
  const remote = makeRemote(makeRepository({ ...files, ...given.files }));
  const { parts: pool } = makePool();
  const top = temporaryDirectory('runner');
  const told: Told = { progress: [], logs: [], artifacts: [], costs: [], printed: '' };
  const uploads = new Map<string, string>();
  const bin = join(top, 'bin');
  mkdirSync(bin);
  const task: RunnerTask = {
    ...{
      kind: 'agent',
      id: 'task-0001-0001',
      sessionId: 'session-0001',
      context,
      repositoryUrl: remote,
      ref: null,
    },
    ...{ story: [], dependencies: [], parentIds: [], failure: null, parameters: {} },
  };
  const env = { PATH: process.env.PATH ?? '', HOME: top, LANG: 'C.UTF-8' };
  const partsOf = (name: string, more: Partial<RunnerParts>): RunnerParts => ({
    ...{ clock: systemClock, random: systemRandom, log: silentLog, http: makeHttp({ userAgent: 'test/1' }) },
    ...{ directory: join(top, name), artifactsDirectory: join(top, 'artifacts'), pool },
    pushCredentials: () => null,
    ...{ env, commandEnv: env, secrets: [{ name: 'SECRET', value: secret }], secretOf: () => null },
    speaker: {
      progress: (percent, message) => void told.progress.push(`${percent} ${message}`),
      log: (level, message) => void told.logs.push(`${level} ${message}`),
      artifact: (_file, name) => void told.artifacts.push(name),
      cost: ({ micro }) => void told.costs.push(micro),
      ended: (message, errorCode) => void told.logs.push(`${errorCode ?? 'well'}: ${message}`),
      print: async (_stream, bytes) => {
        told.printed += Buffer.from(bytes).toString();
      },
    },
    ...{ registry: null, slots: null },
    store: {
      upload: async ({ name, file }) => {
        uploads.set(name, readFileSync(file, 'utf8'));
        return `file://${file}`;
      },
    },
    skillsOf: () => Promise.resolve(null),
    usage: () => ({ memoryMb: 1, cpuSeconds: 1 }),
    signal: new AbortController().signal,
    ...more,
  });
  return {
    ...{ remote, pool, top, told, uploads, task },
    /** A program that is a coding agent: a shell script that gets the prompt on stdin. */
    agent(script: string): CoderDefinition {
      const file = join(bin, `agent-${Math.floor(systemRandom.fraction() * 1e9)}`);
      writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return readCoder({ agent: 'custom', command: file });
    },
    parts: partsOf,
    run(
      change: {
        readonly coder?: CoderDefinition | null;
        readonly task?: Partial<RunnerTask>;
        readonly context?: Partial<RunnerTask['context']>;
        readonly config?: Partial<RunnerConfig>;
        readonly parts?: Partial<RunnerParts>;
        readonly name?: string;
      } = {},
    ): Promise<RunnerResult> {
      const one = {
        ...task,
        ...change.task,
        context: { ...context, ...change.task?.context, ...change.context },
      };
      const config = { ...defaultConfig, coder: change.coder ?? null, ...change.config };
      return doTask(partsOf(change.name ?? 'one', change.parts ?? {}), one, config);
    },
    /** What a branch of the remote holds of a file; null = no such branch or file. */
    at(branch: string, path: string): string | null {
      try {
        return `${git(remote, 'show', `${branch}:${path}`)}\n`;
      } catch {
        return null;
      }
    },
    branches: () => git(remote, 'for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n'),
    result: (name = 'one') =>
      JSON.parse(readFileSync(join(top, name, 'result.json'), 'utf8')) as RunnerResult,
  };
}

export const defaultConfig: RunnerConfig = {
  executionMode: 'local-process',
  services: { taskRegistryUrl: null, repoPoolUrl: null, artifactStoreUrl: null },
  coder: null,
  timeoutMs: 100_000,
  retries: { git: 1, network: 1 },
  limits: { memoryMb: null, cpuPercent: null },
  log: { level: 'INFO', isStructured: true },
  gitTokenVariable: 'GIT_TOKEN',
  branch: { template: null },
  commit: { template: null, author: defaultIdentity, signing: null, maxFileBytes: 1_000_000 },
  tests: { command: null, report: null, timeoutMs: 60_000, rounds: 2 },
  docker: null,
  kubernetes: null,
};
