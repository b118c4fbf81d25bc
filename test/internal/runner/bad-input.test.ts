import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { commit, git, temporaryDirectory } from '../../fixtures/git.ts';
import { lives } from '../../fixtures/lives.ts';
import { type Lab, makeLab, mended } from './lab.ts';

/** What goes wrong outside of a task, and what the task says of it. */
let lab: Lab;
beforeEach(() => {
  lab = makeLab();
});

const mend = `cat > /dev/null; printf '%s\\n' '${mended.trimEnd()}' > sum.js`;

describe('a repository that', () => {
  test('has gone another way than the branch fails the task before any work, with the files of the conflict', async () => {
    const first = await lab.run({ coder: lab.agent(mend) });
    const person = temporaryDirectory('person');
    git('/', 'clone', '--quiet', lab.remote, person);
    commit(person, { 'sum.js': 'module.exports = (a, b) => 0 - b;\n' }, 'another way');
    git(person, 'push', '--quiet', 'origin', 'HEAD:main');
    const again = await lab.run({ coder: lab.agent('touch began'), name: 'two' });
    expect(again).toMatchObject({
      success: false,
      error: {
        kind: 'WorkspacePreparationError',
        message: expect.stringMatching(/does not fit onto its target: 1 files have conflicts/),
        details: ['sum.js'],
      },
    });
    expect(again.phases.map(({ phase, outcome }) => `${phase} ${outcome}`)).toEqual([
      ...['prepare failed', 'report done'],
    ]);
    expect(git(lab.remote, 'rev-parse', first.branch ?? '')).toBe(first.commit);
  });

  test('has a rule against the branch gets nothing, and its words are told', async () => {
    const hook = join(lab.remote, 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "GH013: nobody pushes here" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    const result = await lab.run({ coder: lab.agent(mend) });
    expect(result).toMatchObject({
      ...{ success: false, isPushed: false, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
      error: {
        kind: 'PushError',
        message: expect.stringMatching(/^A rule of the repository is against .*nobody pushes here/),
      },
    });
    expect(lab.branches()).toEqual(['main']);
    expect(lab.uploads.get('changes.diff')).toContain('+module.exports = (a, b) => a + b;');
  });

  test('has got the branch from somebody else meanwhile is left alone', async () => {
    const push = `git push --quiet ${lab.remote} HEAD:refs/heads/mine`;
    const coder = lab.agent(`${mend}\n${push}`);
    const result = await lab.run({ coder, context: { branchName: 'mine' } });
    expect(result.error).toMatchObject({
      kind: 'PushError',
      message: expect.stringMatching(/^mine at .* was moved by somebody else meanwhile, and was left alone/),
    });
    expect(git(lab.remote, 'rev-parse', 'mine')).toBe(git(lab.remote, 'rev-parse', 'main'));
  });
});

test('tests that never end are ended at their time, with all that they started', async () => {
  const command = "trap '' TERM; setsid sleep 4713.51 & echo waiting; sleep 4713.52";
  const tests = { command, report: null, timeoutMs: 3000, rounds: 0 };
  const result = await lab.run({ coder: lab.agent(mend), config: { tests } });
  expect(result).toMatchObject({
    ...{ success: false, isPushed: false, tests: { passed: false } },
    error: {
      kind: 'TestExecutionError',
      message: expect.stringMatching(/their time was up after 3 s\.$/),
      details: ['waiting'],
    },
  });
  expect([lives('4713.51'), lives('4713.52')]).toEqual([false, false]);
});
