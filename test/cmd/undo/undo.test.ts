import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkout } from '../../../internal/worker/checkout/checkout.ts';
import { lockCheckout } from '../../../internal/worker/checkout/checkout-lock.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { writeJsonFile } from '../../../pkg/files/json-file.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { commit, git, makeRepository, write } from '../../fixtures/git.ts';
import { receiptOf, recordOf } from '../../internal/worker/records.ts';
import { type CliOptions, cli, temporaryDirectory } from '../harness.ts';

const taskId = '8f3a1c2e-1111-4111-8111-111111111111';
const other = '9b3a1c2e-2222-4222-8222-222222222222';

/** A process that is alive, and none of ours. */
const living = spawn('sleep', ['600']);
beforeAll(() => living.unref());
afterAll(() => living.kill('SIGKILL'));

/** A home in which a task came to a clone of the agent, with a file of a person's in it, and did something. */
async function desk() {
  const home = temporaryDirectory();
  const base = join(home, '.keruta');
  const directory = join(home, 'keruta', 'site');
  const remote = makeRepository({ 'a.txt': 'one\n' });
  const env = { PATH: process.env.PATH ?? '' };
  const come = (task: string) =>
    checkout(
      {
        ...{ clock: systemClock, random: systemRandom, log: silentLog, environment: env },
        privateDirectory: join(base, 'git'),
      },
      {
        ...{ repositoryUrl: remote, ref: 'main', directory, taskId: task, credentials: 'none' },
        ...{ allowLocalGit: true, trustWorkingDir: false },
      },
    );
  await come('earlier');
  write(directory, { 'mine.txt': 'mine\n' });
  await come(taskId);
  const made = commit(directory, { 'a.txt': 'task\n', 'new.txt': 'new\n' }, 'by the task');
  write(directory, { 'late.txt': 'late\n' });
  const undo = (words: string, options: CliOptions = {}) =>
    cli(['undo', ...words.split(' ')], { home, env, ...options });
  return { home, base, directory, remote, env, made, come, undo };
}

describe('keruta undo', () => {
  test('shows what will change and asks; then the checkout is as it was, and the way back is told', async () => {
    const { directory, made, undo } = await desk();
    const no = await undo('8f3a', { stdinIsTerminal: true, stdin: 'n\n' });
    expect(no.status).toBe(1);
    expect(no.err).toContain(`commit ${made.slice(0, 10)} goes from the branch: by the task`);
    for (const line of ['changed  a.txt', 'removed  late.txt', 'restored mine.txt', 'removed  new.txt'])
      expect(no.err).toContain(line);
    expect(no.err).toContain('what was pushed');
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('task\n');
    const yes = await undo('8f3a', { stdinIsTerminal: true, stdin: 'y\n' });
    expect(yes.status).toBe(0);
    expect(git(directory, 'status', '--porcelain')).toBe('?? mine.txt');
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('one\n');
    const [, ref = ''] = /git -C \S+ switch --detach (\S+)\n/.exec(yes.out) ?? [];
    expect(git(directory, 'show', `${ref}:late.txt`)).toBe('late');
    expect(git(directory, 'log', '--format=%H', '-1', `${ref}~1`)).toBe(made);
    const again = await undo('8f3a --yes');
    expect(again).toMatchObject({ status: 0, out: expect.stringContaining('already') });
  });

  test('speaks JSON, with --dry-run too, which changes nothing', async () => {
    const { directory, made, undo } = await desk();
    const dry = await undo(`${taskId} --dry-run --json`);
    expect(dry.status).toBe(0);
    expect(JSON.parse(dry.out)).toMatchObject({
      ...{ taskId, directory, undone: false, keptRef: null, hasChanges: true, branch: 'refs/heads/main' },
      commits: [{ id: made, subject: 'by the task' }],
    });
    expect(existsSync(join(directory, 'late.txt'))).toBe(true);
    const done = JSON.parse((await undo(`${taskId} --yes --json`)).out);
    expect(done).toMatchObject({ undone: true, keptRef: expect.stringContaining('/undone/') });
    expect(existsSync(join(directory, 'late.txt'))).toBe(false);
    expect(JSON.parse((await undo(`${taskId} --yes --json`)).out)).toMatchObject({ undone: false });
  });

  test('tells of tasks that came after it: what they did goes too', async () => {
    const { come, undo } = await desk();
    await come(other);
    expect((await undo('8f3a --dry-run')).out).toContain(`what task ${other} did here after it goes too`);
    expect((await undo('9b3a --dry-run')).out).not.toContain(taskId);
  });

  test('where nobody can be asked, nothing is done without --yes', async () => {
    const { directory, undo } = await desk();
    expect(await undo('8f3a')).toMatchObject({ status: 2, err: expect.stringContaining('--yes') });
    expect(existsSync(join(directory, 'late.txt'))).toBe(true);
  });

  test('is refused while a task runs there, an agent prepares one, or somebody changes the checkout', async () => {
    const { base, directory, undo } = await desk();
    const run = join(base, 'runs', `${other}.1`);
    mkdirSync(run, { recursive: true });
    const record = recordOf(other);
    const started = {
      ...{ at: 1, workingDirectory: directory, artifactsDirectories: [], secrets: [] },
    };
    writeJsonFile(join(run, 'task.json'), { ...record, started });
    // nobody is there to bring it to its end, and its script is not alive: it is over
    expect((await undo('8f3a --dry-run')).status).toBe(0);
    writeJsonFile(join(base, 'agent.lock'), identityOf(living.pid ?? 0));
    const busy = await undo('8f3a --yes');
    expect(busy).toMatchObject({ status: 5, err: expect.stringContaining(`keruta task cancel ${other}`) });
    writeJsonFile(join(run, 'task.json'), { ...record, started: null });
    expect((await undo('8f3a --yes')).status).toBe(5);
    writeJsonFile(join(run, 'task.json'), {
      ...record,
      started: { ...started, workingDirectory: '/elsewhere' },
    });
    expect((await undo('8f3a --dry-run')).status).toBe(0);
    lockCheckout({ privateDirectory: join(base, 'git'), directory, pid: living.pid ?? 0 });
    expect(await undo('8f3a --yes')).toMatchObject({
      status: 5,
      err: expect.stringContaining(`process ${living.pid}`),
    });
    expect(existsSync(join(directory, 'late.txt'))).toBe(true);
  });

  test('says what is wrong: a task that nobody knows, one that ran elsewhere, one that is not recorded any more', async () => {
    const { home, base, directory, remote, undo } = await desk();
    expect(await undo('7777')).toMatchObject({
      status: 4,
      err: expect.stringContaining('another workspace'),
    });
    expect(await undo('8f')).toMatchObject({ status: 2, err: expect.stringContaining('4 characters') });
    const place = { workingDirectory: directory, commit: null, variables: [] };
    mkdirSync(join(base, 'runs', `${other}.1`), { recursive: true });
    writeJsonFile(join(base, 'runs', `${other}.1`, 'receipt.json'), receiptOf(other, { place }));
    expect(await undo(`${other} --yes`)).toMatchObject({
      status: 4,
      err: expect.stringContaining(`ran in ${directory}; what that held before is not recorded`),
    });
    expect(await undo(`${other} --in ${remote} --yes`)).toMatchObject({
      status: 4,
      err: expect.stringContaining(`ran in ${directory}, not in ${remote}`),
    });
    expect(await undo(`8f3a --in ${home} --yes`)).toMatchObject({
      status: 2,
      err: expect.stringContaining('is in no git repository'),
    });
    rmSync(join(directory, '.git'), { recursive: true });
    expect(await undo(`${other} --yes`)).toMatchObject({
      status: 4,
      err: expect.stringContaining('is no git repository'),
    });
  });

  test('runs nothing that a script wrote into the configuration of the agent’s clone', async () => {
    const { home, directory, undo } = await desk();
    const leak = join(home, 'leak');
    write(directory, { '.gitattributes': '* filter=evil\n' });
    git(directory, 'config', 'filter.evil.smudge', `touch ${leak}; cat`);
    git(directory, 'config', 'filter.evil.clean', `touch ${leak}; cat`);
    expect((await undo('8f3a --yes')).status).toBe(0);
    expect(existsSync(leak)).toBe(false);
  });
});
