import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { openPool } from '../../../internal/pool/open-pool.ts';
import { git } from '../../fixtures/git.ts';
import { type Lab, makeLab, mended, secret } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = makeLab();
});

const mend = `cat > prompt.txt; rm prompt.txt; printf '%s' '${mended.trimEnd()}' > sum.js; echo >> sum.js
echo '{"usage": {"model": "toy", "tokens_in": 100, "tokens_out": 20, "cost_usd": 0.03}, "summary": "It adds now."}'`;

describe('an agent task', () => {
  test('is done on a branch: tested, committed with its trailer, pushed, and told', async () => {
    const result = await lab.run({ coder: lab.agent(mend) });
    expect(result).toMatchObject({
      ...{ success: true, error: null, isPushed: true, taskId: lab.task.id },
      changes: { files: 1, insertions: 1, deletions: 1 },
      tests: { command: 'npm test', passed: true, rounds: 1 },
      usage: { model: 'toy', calls: 1, tokensIn: 100, tokensOut: 20, costMicros: 30_000 },
    });
    expect(result.phases.map(({ phase, outcome }) => `${phase} ${outcome}`)).toEqual([
      ...['prepare done', 'implement done', 'test done', 'commit done', 'push done', 'report done'],
    ]);
    const pushed = result.branch ?? '';
    expect(lab.at(pushed, 'sum.js')).toBe(mended);
    expect(lab.at('main', 'sum.js')).not.toBe(mended);
    const message = git(lab.remote, 'log', '-1', '--format=%B', pushed);
    expect(message).toMatch(/^Mend the sum\n\nIt adds now\.\n\nKeruta-Task: task-0001-0001$/);
    expect(lab.told.artifacts).toEqual(['changes.diff', 'transcript-1.log', 'tests.log', 'result.json']);
    expect(lab.uploads.get('changes.diff')).toContain('+module.exports = (a, b) => a + b;');
    expect(lab.told.costs).toEqual([30_000]);
    expect(lab.result()).toEqual(result);
    const { slots } = await openPool(lab.pool).list();
    expect(slots.map(({ state }) => state)).toEqual(['free']);
  });

  test('gets back what its tests say, so often as is allowed', async () => {
    const second = `if grep -q '2 + 2 is 0'; then ${mend.split('\n')[0]?.replace('cat > prompt.txt; rm prompt.txt; ', '')}; else echo '// no' >> sum.js; fi; echo '{"summary":"tried"}'`;
    const result = await lab.run({ coder: lab.agent(second) });
    expect(result).toMatchObject({ success: true, tests: { passed: true, rounds: 2 } });
    expect(lab.at(result.branch ?? '', 'sum.js')).toBe(mended);
  });

  test('whose tests never pass is not committed; what was made is kept', async () => {
    const result = await lab.run({ coder: lab.agent(`cat > /dev/null; echo '// try' >> sum.js`) });
    expect(result).toMatchObject({
      ...{ success: false, isPushed: false, commit: null, tests: { passed: false, rounds: 3 } },
      error: { kind: 'TestExecutionError', message: expect.stringContaining('also after 2 more rounds') },
    });
    expect(result.error?.details.join('\n')).toContain('2 + 2 is 0');
    expect(lab.branches()).toEqual(['main']);
    expect(lab.uploads.get('changes.diff')).toContain('+// try');
    expect(result.phases.map(({ phase }) => phase)).toEqual(['prepare', 'implement', 'test', 'report']);
    const { kept } = await openPool(lab.pool).list();
    expect(kept.length).toBe(1);
  });

  test('that changes nothing, or whose agent fails, says so', async () => {
    const idle = await makeLab({ files: { 'sum.js': mended } }).run({ coder: lab.agent('cat > /dev/null') });
    expect(idle.error).toMatchObject({
      kind: 'ImplementationError',
      message: expect.stringMatching(/changed nothing/),
    });
    const broken = await lab.run({ coder: lab.agent('cat > /dev/null; echo no >&2; exit 3') });
    expect(broken.error).toMatchObject({
      kind: 'ImplementationError',
      message: expect.stringMatching(/exit/),
    });
    expect((await lab.run({ name: 'none' })).error?.message).toMatch(/There is no coding agent/);
  });

  test('with a secret in what was made is held back by the gate', async () => {
    const coder = lab.agent(`${mend}\necho "key = ${secret}" > config.txt`);
    const result = await lab.run({ coder });
    expect(result).toMatchObject({ success: false, error: { kind: 'ImplementationError' } });
    expect(result.error?.message).toMatch(
      /Nothing was committed: config\.txt: line 1 holds the value of SECRET/,
    );
    expect(lab.branches()).toEqual(['main']);
    const stored = [...lab.uploads.values(), lab.told.printed, ...lab.told.logs, JSON.stringify(result)];
    expect(stored.join('\n')).not.toContain(secret);
  });

  test('whose tests report a secret, or something else than a report, tells none of it', async () => {
    const [command, report] = ['sh report.sh; exit 1', 'out/junit.xml'];
    const tests = { command, report, timeoutMs: 60_000, rounds: 0 };
    const xml = `<testsuite name="${secret}" tests="1" failures="1"><testcase name="adds"><failure message="${secret}"/></testcase></testsuite>`;
    const coder = lab.agent(
      `${mend}\nmkdir -p out; printf '%s' 'printf %s "$1" > out/junit.xml' > report.sh`,
    );
    const told = await lab.run({
      coder,
      config: { tests: { ...tests, command: `sh report.sh '${xml}'; exit 1` } },
    });
    expect(told).toMatchObject({ tests: { report: { tests: 1, failed: 1 } } });
    expect(told.error?.details).toEqual([expect.stringMatching(/^adds: \*+$/)]);
    expect(lab.uploads.get('test-report.xml')).toMatch(/<testsuite name="\*+" tests="1"/);
    const stored = [...lab.uploads.values(), lab.told.printed, ...lab.told.logs, JSON.stringify(told)];
    expect(stored.join('\n')).not.toContain(secret);

    const elsewhere = join(lab.top, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'junit.xml'), '<testsuite tests="7"/>');
    const link = lab.agent(`${mend}\necho exit 1 > report.sh; rm -rf out; ln -s ${elsewhere} out`);
    const linked = await lab.run({ coder: link, config: { tests }, task: { id: 'task-2' }, name: 'two' });
    expect(linked).toMatchObject({ error: { kind: 'TestExecutionError' }, tests: { report: null } });
    expect(readdirSync(elsewhere)).toEqual(['junit.xml']);
  });

  test('with a secret in a file that is no text leaves no difference that would hold it', async () => {
    const coder = lab.agent(`${mend}\nprintf 'a\\0b%s' '${secret}' > data.bin`);
    const result = await lab.run({ coder });
    expect(result.error?.message).toMatch(/data\.bin: line 1 holds the value of SECRET/);
    expect(lab.uploads.get('changes.diff')).toContain('Binary files /dev/null and b/data.bin differ');
    expect(lab.uploads.get('changes.diff')).not.toContain('GIT binary patch');
  });

  test('whose agent removes its slot says so', async () => {
    const result = await lab.run({ coder: lab.agent(`${mend}\nrm -rf "$PWD"`) });
    expect(result.error).toMatchObject({
      kind: 'ImplementationError',
      message: expect.stringMatching(/ removed the slot that it worked in/),
    });
    expect(await lab.run({ coder: lab.agent(mend), name: 'again' })).toMatchObject({ success: true });
  });

  test('whose branch holds the work of others leaves it alone', async () => {
    git(lab.remote, 'branch', 'theirs', 'main');
    const work = makeLab();
    git(work.remote, 'fetch', '--quiet', lab.remote, 'main');
    const tree = git(lab.remote, 'rev-parse', 'main^{tree}');
    const foreign = git(lab.remote, 'commit-tree', tree, '-p', 'main', '-m', 'Work of a person');
    git(lab.remote, 'update-ref', 'refs/heads/theirs', foreign);
    const result = await lab.run({ coder: lab.agent(mend), context: { branchName: 'theirs' } });
    expect(result.error).toMatchObject({
      kind: 'WorkspacePreparationError',
      details: [expect.stringContaining('Work of a person')],
    });
    expect(git(lab.remote, 'rev-parse', 'theirs')).toBe(foreign);
  });

  test('that nobody wishes to publish stays in the pool', async () => {
    const result = await lab.run({ coder: lab.agent(mend), context: { publish: 'none' } });
    expect(result).toMatchObject({
      success: true,
      isPushed: false,
      phases: expect.arrayContaining([expect.objectContaining({ phase: 'push', outcome: 'skipped' })]),
    });
    expect(lab.branches()).toEqual(['main']);
  });

  test('goes on with its branch when it is run again', async () => {
    const first = await lab.run({ coder: lab.agent(mend) });
    const again = await lab.run({ coder: lab.agent(`cat > /dev/null; echo more > more.txt`), name: 'two' });
    expect(again).toMatchObject({ success: true, branch: first.branch, changes: { files: 1 } });
    expect(lab.at(again.branch ?? '', 'more.txt')).toBe('more\n');
    expect(git(lab.remote, 'rev-list', '--count', `main..${again.branch}`)).toBe('2');
  });
});

describe('a task whose time is up, or that is stopped', () => {
  test('ends with everything that it started', async () => {
    const coder = lab.agent('cat > /dev/null; sleep 4713.01 & sleep 4713.01');
    const result = await lab.run({ coder, config: { timeoutMs: 4_000 } });
    expect(result.error).toMatchObject({ kind: 'TimeoutError' });
    expect(result.phases.at(-1)).toMatchObject({ phase: 'report', outcome: 'done' });
  });

  test('says that it was stopped', async () => {
    const stop = new AbortController();
    const coder = lab.agent('cat > /dev/null; echo here; sleep 4713.02');
    const speaker = lab.parts('x', {}).speaker;
    const result = await lab.run({
      coder,
      parts: {
        signal: stop.signal,
        speaker: {
          ...speaker,
          print: async (stream, bytes) => {
            await speaker.print(stream, bytes);
            if (lab.told.printed.includes('here')) stop.abort(new Error('stopped'));
          },
        },
      },
    });
    expect(result.error).toMatchObject({ kind: 'RunnerError', message: 'The task was stopped.' });
  });
});

describe('a second start in the same directory', () => {
  test('gives the result again when the task has ended', async () => {
    const coder = lab.agent(mend);
    const first = await lab.run({ coder });
    const again = await lab.run({ coder: lab.agent('exit 9') });
    expect(again).toEqual(first);
  });

  test('refuses the directory of another task', async () => {
    await lab.run({ coder: lab.agent(mend) });
    await expect(lab.run({ coder: lab.agent(mend), task: { id: 'another-task' } })).rejects.toMatchObject({
      code: 'KERUTA_ERR_DIRECTORY',
    });
  });
});

describe('a playbook task', () => {
  const playbook = [
    'name: Mend',
    'steps:',
    '  - name: Edit',
    `    command: "printf '%s\\\\n' 'module.exports = (a, b) => a + b;' > sum.js; echo title=$KERUTA_PARAM_TITLE"`,
    '  - name: Check',
    '    command: npm test',
    '    condition: publish == "branch"',
  ].join('\n');

  test('follows its steps, and commits what they changed', async () => {
    lab = makeLab({ files: { '.keruta/playbooks/mend.yaml': playbook } });
    const result = await lab.run({ task: { kind: 'playbook' } });
    expect(result).toMatchObject({ success: true, isPushed: true, usage: null, tests: null });
    expect(lab.at(result.branch ?? '', 'sum.js')).toBe(mended);
    expect(lab.told.printed).toContain('title=Mend the sum');
    expect(lab.told.progress).toContainEqual(expect.stringMatching(/^35 Mend: step 2 of 2, Check/));
  });

  test('whose step fails fails with the name of the step', async () => {
    lab = makeLab({
      files: { '.keruta/playbooks/bad.yaml': 'name: Bad\nsteps:\n  - name: Break\n    command: exit 4\n' },
    });
    const result = await lab.run({ task: { kind: 'playbook' }, context: { playbook: 'bad' } });
    expect(result.error).toMatchObject({
      kind: 'ImplementationError',
      message: expect.stringMatching(/The step Break failed/),
    });
    expect(lab.told.logs).toContainEqual(expect.stringMatching(/^ERROR step 1 of 1, Break: failure/));
  });

  test('that names none, or one that is not there, says which there are', async () => {
    const none = await lab.run({ task: { kind: 'playbook' } });
    expect(none.error).toMatchObject({ kind: 'TaskContextValidationError' });
    const missing = await lab.run({ task: { kind: 'playbook' }, context: { playbook: 'nope' }, name: 'two' });
    expect(missing.error?.message).toMatch(/There is no playbook nope/);
  });
});

describe('a slot that somebody else made', () => {
  test('is worked in, and left as it is', async () => {
    const slotPath = join(lab.top, 'their-slot');
    git(lab.top, 'clone', '--quiet', lab.remote, slotPath);
    writeFileSync(join(slotPath, 'untracked.txt'), 'x\n');
    const result = await lab.run({
      coder: lab.agent(mend),
      context: { slotPath, slotId: 'slot-1' },
      task: { repositoryUrl: null },
    });
    expect(result.error).toBe(null);
    expect(lab.at(result.branch ?? '', 'sum.js')).toBe(mended);
    expect(git(slotPath, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe(result.branch);
  });
});
