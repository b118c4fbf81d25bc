import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import type { RunnerConfig } from '../../../internal/runner/runner.ts';
import { git, temporaryDirectory } from '../../fixtures/git.ts';
import { type Lab, makeLab, mended } from './lab.ts';

/** What keys of a configuration do to a whole task. */
let lab: Lab;
beforeEach(() => {
  lab = makeLab();
});

const mend = `cat > /dev/null; printf '%s\\n' '${mended.trimEnd()}' > sum.js`;

/** As the keys are read from a file. */
function configOf(value: Readonly<Record<string, unknown>>): Omit<RunnerConfig, 'coder'> {
  const { coder: _none, ...config } = readRunnerConfig({ value, file: 'runner.yaml', env: {} });
  return config;
}

test('branch_template, commit_template and author are seen in what is pushed', async () => {
  const config = configOf({
    branch_template: 'work/{spec}/{title}',
    commit_template: 'app: {title}\n\n{description}',
    author: { name: 'A Robot', email: 'robot@example.org' },
  });
  const result = await lab.run({ coder: lab.agent(mend), config });
  expect(result).toMatchObject({ success: true, isPushed: true, branch: 'work/app/mend-the-sum' });
  const format = '--format=%an <%ae>, %cn <%ce>%n%B';
  expect(git(lab.remote, 'log', '-1', format, 'work/app/mend-the-sum')).toBe(
    'A Robot <robot@example.org>, A Robot <robot@example.org>\n' +
      'app: Mend the sum\n\nIt subtracts.\n\nKeruta-Task: task-0001-0001',
  );
});

test('max_file_bytes is the size from which on a file holds back the commit', async () => {
  const agent = lab.agent(`${mend}; head -c 2001 /dev/zero | tr '\\0' x > large.txt`);
  const result = await lab.run({ coder: agent, config: configOf({ max_file_bytes: 2000 }) });
  expect(result.error).toMatchObject({
    kind: 'ImplementationError',
    message: expect.stringMatching(/Nothing was committed: large\.txt: .*2001/),
  });
  expect(lab.branches()).toEqual(['main']);
  const larger = await lab.run({ coder: agent, config: configOf({ max_file_bytes: 2001 }), name: 'two' });
  expect(larger).toMatchObject({ success: true, isPushed: true });
});

describe('signing', () => {
  const hasGpg = (() => {
    try {
      execFileSync('gpg', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  test.skipIf(!hasGpg)(
    'with an OpenPGP key makes commits that this key proves; without it none is made',
    async () => {
      const home = temporaryDirectory('gnupg');
      chmodSync(home, 0o700);
      const env = { ...lab.parts('env', {}).env, GNUPGHOME: home };
      const gpg = (...args: string[]) =>
        execFileSync('gpg', ['--batch', '--quiet', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
      try {
        const unprotected = ['--passphrase', '', '--pinentry-mode', 'loopback'];
        gpg(...unprotected, '--quick-generate-key', 'robot@example.org', 'ed25519', 'sign', '1d');
        const [, key = ''] = /^fpr:+([0-9A-F]+):/m.exec(gpg('--list-keys', '--with-colons')) ?? [];
        const config = configOf({ signing: { format: 'openpgp', key } });
        const result = await lab.run({ coder: lab.agent(mend), config, parts: { env } });
        expect(result).toMatchObject({ success: true, error: null, isPushed: true });
        const format = ['log', '-1', '--format=%G? %GP', result.branch ?? ''];
        const told = execFileSync('git', format, { cwd: lab.remote, env, encoding: 'utf8' }).trim();
        expect(told).toBe(`G ${key}`);
        const other = configOf({ signing: { format: 'openpgp', key: 'nobody@example.org' } });
        const task = { id: 'task-2' };
        const none = await lab.run({
          coder: lab.agent(mend),
          config: other,
          parts: { env },
          task,
          name: 'two',
        });
        expect(none).toMatchObject({ success: false, commit: null, error: { kind: 'ImplementationError' } });
      } finally {
        execFileSync('gpgconf', ['--kill', 'all'], { env, stdio: 'ignore' });
      }
    },
  );
});

describe('an agent task with a playbook', () => {
  const check = 'name: Check\nsteps:\n  - name: Sum\n    command: node check.js\n';

  test('is tested by it, whose failure goes back to the coding agent', async () => {
    lab = makeLab({ files: { '.keruta/playbooks/check.yaml': check } });
    const second = `if grep -q '2 + 2 is 0'; then printf '%s\\n' '${mended.trimEnd()}' > sum.js; else echo '// no' >> sum.js; fi`;
    const result = await lab.run({ coder: lab.agent(second), context: { playbook: 'check' } });
    expect(result).toMatchObject({
      ...{ success: true, isPushed: true },
      tests: { command: 'playbook check', passed: true, rounds: 2 },
    });
    expect(lab.at(result.branch ?? '', 'sum.js')).toBe(mended);
    expect(lab.told.artifacts).toContain('tests.log');
  });

  test('that it does not pass fails, and nothing is pushed', async () => {
    lab = makeLab({ files: { '.keruta/playbooks/check.yaml': check } });
    const result = await lab.run({
      coder: lab.agent(`cat > /dev/null; echo '// no' >> sum.js`),
      context: { playbook: 'check' },
      config: configOf({ test_rounds: 0 }),
    });
    expect(result).toMatchObject({
      ...{ success: false, isPushed: false, tests: { command: 'playbook check', passed: false } },
      error: { kind: 'TestExecutionError', message: expect.stringMatching(/playbook check\): The step Sum/) },
    });
    expect(lab.uploads.get('tests.log')).toBe('2 + 2 is 0\n');
    expect(lab.branches()).toEqual(['main']);
  });
});

test('a store that refuses a file fails a task whose branch is pushed; the other files are there', async () => {
  const { store } = lab.parts('x', {});
  const result = await lab.run({
    coder: lab.agent(mend),
    parts: {
      store: {
        upload: (wish) =>
          wish.name === 'tests.log' ? Promise.reject(new Error('the store is full')) : store.upload(wish),
      },
    },
  });
  expect(result).toMatchObject({
    ...{ success: false, isPushed: true },
    error: {
      kind: 'ArtifactUploadError',
      message: '1 files could not be kept: tests.log: the store is full',
      details: ['tests.log: the store is full'],
    },
  });
  expect(result.phases.at(-1)).toMatchObject({ phase: 'report', outcome: 'failed' });
  expect(lab.told.artifacts).toEqual(['changes.diff', 'transcript-1.log', 'result.json']);
  expect(lab.at(result.branch ?? '', 'sum.js')).toBe(mended);
});
