import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Started } from '../e2e/place.ts';
import { until } from '../e2e/place.ts';
import { Disk, noDisks } from './lab/disk.ts';
import { Lab } from './lab/lab.ts';
import { has, isLiving } from './lab/processes.ts';
import { tally } from './lab/rounds.ts';

/** I. Git: what a remote, a task before, or a name can do to the checkout of the next task. */
let lab: Lab;
let remote: string;
beforeAll(async () => {
  lab = await Lab.open('git');
  remote = await lab.place.repository('remote');
});
afterAll(() => lab.close());

/** A session on a repository, with an agent that may use local ones. */
async function onRepository(name: string, url: string, env: Record<string, string> = {}) {
  const session = await lab.place.session(name, { repositoryUrl: url });
  const agent = await lab.agent(session, { args: ['--allow-local-git'], env });
  return { session, agent };
}

/** Where the agent of a session keeps its clones. */
const clones = (session: string) => {
  const found = lab.place.path(`base-${session}`, 'repos');
  return existsSync(found) ? readdirSync(found).map((name) => join(found, name)) : [];
};

async function runIn(session: string, script: string) {
  const id = await lab.submit(session, script);
  const task = await lab.place.whole(id, 60_000);
  return { task, text: await lab.place.logs(id, 'stdout') };
}

const end = (agent: Started) => agent.stop('SIGKILL');

test.for([
  ['https', ''],
  ['ssh', 'git@'],
] as const)(
  'F-92: a remote that accepts by %s and never answers ends with the task, which can be cancelled at once',
  async ([scheme, user], { skip }) => {
    skip(scheme === 'ssh' && !has('ssh'), 'needs ssh');
    let asked = 0;
    const sink = createServer(() => void asked++).listen(0, '127.0.0.1');
    onTestFinished(() => void sink.close());
    await until('it listens', () => sink.listening);
    const { port } = sink.address() as { port: number };
    const { session, agent } = await onRepository(
      `f92 ${scheme}`,
      `${scheme}://${user}127.0.0.1:${port}/app.git`,
    );
    const id = await lab.submit(session, 'echo never');
    await lab.place.when(id, ({ status }) => status === 'PROCESSING');
    await until('it waits for the remote', () => asked > 0, 60_000);
    const before = Date.now();
    await lab.place.api('POST', `/tasks/${id}/cancel`, {});
    expect(await lab.place.ended(id, 30_000)).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    const tookMs = Date.now() - before;
    expect(tookMs).toBeLessThan(12_000);
    const git = () => lab.place.processes().filter(({ command }) => /^(git|ssh)\b|git-remote/.test(command));
    await until('no git is left', () => git().length === 0);
    await end(agent);
    tally({
      row: 'F-92',
      rounds: 1,
      note: `${scheme}: cancelled after ${tookMs} ms; the deadline itself is in hostile.test.ts`,
    });
  },
);

describe('F-97: what a task plants in its clone', () => {
  test('does not run in the git of the agent, which has no token to show', async () => {
    const { session, agent } = await onRepository('f97', remote);
    const leak = lab.place.path('f97-leak');
    const planted = lab.place.file(
      'f97-planted',
      `#!/bin/sh\n{ echo "$0"; env; } >> '${leak}'; cat 2>/dev/null; exit 0\n`,
      0o755,
    );
    const keys = [
      'core.fsmonitor',
      'core.sshCommand',
      'core.pager',
      'core.editor',
      'diff.external',
      'gpg.program',
    ]
      .concat(['remote.origin.uploadpack', 'filter.x.smudge', 'filter.x.clean', 'filter.x.process'])
      .concat([
        'credential.helper',
        'core.gitProxy',
        'uploadpack.packObjectsHook',
        'core.alternateRefsCommand',
      ]);
    const plant = [
      ...keys.map((key) => `git config ${key} '${planted}'`),
      "git config alias.status '!touch /tmp/never'",
      "echo '* filter=x' > .git/info/attributes; echo '* filter=x' > .gitattributes",
      `mkdir -p .git/hooks; for h in post-checkout pre-commit reference-transaction post-index-change; do cp '${planted}' .git/hooks/$h; done`,
      'echo changed > README.md; touch .git/index.lock; echo planted',
    ];
    expect(await runIn(session, plant.join('\n'))).toMatchObject({ text: 'planted\n' });
    await lab.place.bash(
      'cd remote && echo more > more && git add . && git -c user.name=e -c user.email=e@e.example commit -qm more',
    );
    const next = await runIn(session, 'cat README.md more; ls .git/hooks | grep -v sample');
    expect(next.task).toMatchObject({ status: 'FAILED', exitCode: 1 });
    expect(next.text).toBe('hello\nmore\n');
    expect(existsSync(leak)).toBe(false);
    await end(agent);
    tally({
      row: 'F-97',
      rounds: 1,
      note: `${keys.length} settings, an alias, attributes and 4 hooks planted`,
    });
  });
});

describe('F-98: a clone that was left in disorder', () => {
  test.each([
    ['a lock of the index', 'touch .git/index.lock .git/HEAD.lock .git/refs/heads/main.lock'],
    ['a broken object', 'f=$(find .git/objects -type f | head -1); chmod u+w "$f"; echo junk > "$f"'],
    ['no HEAD', 'rm .git/HEAD'],
    ['a dirty tree and a merge', 'echo x > README.md; git checkout -qb side; echo y > y; git add y'],
  ])('%s: the next task has a correct checkout', async (what, disorder) => {
    const { session, agent } = await onRepository(`f98 ${what}`, remote);
    await runIn(session, disorder);
    const next = await runIn(session, 'git status --porcelain; git rev-parse HEAD; cat README.md');
    expect(next.task).toMatchObject({ status: 'COMPLETED' });
    const head = (await lab.place.bash('git -C remote rev-parse HEAD')).stdout.trim();
    expect(next.text).toBe(`${head}\nhello\n`);
    await end(agent);
    tally({ row: 'F-98', rounds: 1, note: what });
  });
});

test('F-98: a clone whose .git was emptied shows no sign that it is ours: it is refused with what to do, not deleted', async () => {
  const { session, agent } = await onRepository('f98 emptied', remote);
  await runIn(session, 'echo precious > mine; rm -rf .git/*');
  const next = await runIn(session, 'echo ran');
  expect(next.task).toMatchObject({ status: 'FAILED', reason: 'checkout' });
  const [clone = ''] = clones(session);
  expect(next.task.message).toContain(clone);
  expect(readFileSync(join(clone, 'mine'), 'utf8')).toBe('precious\n');
  expect((await lab.place.bash(`mv '${clone}' '${clone}.away'`)).status).toBe(0);
  expect((await runIn(session, 'cat README.md')).text).toBe('hello\n');
  await end(agent);
  tally({ row: 'F-98', rounds: 1, note: 'an empty .git' });
});

test('F-99, S-27: a directory that is no clone of ours is refused, and nothing in it is touched', async () => {
  const session = await lab.place.session('f99', { repositoryUrl: remote });
  const base = lab.place.path(`base-${session}`, 'repos', 'remote');
  mkdirSync(base, { recursive: true, mode: 0o700 });
  writeFileSync(join(base, 'mine.txt'), 'precious');
  const agent = await lab.agent(session, { args: ['--allow-local-git'] });
  const { task } = await runIn(session, 'echo ran');
  expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout' });
  expect(task.message).toContain(base);
  expect(readFileSync(join(base, 'mine.txt'), 'utf8')).toBe('precious');
  expect(readdirSync(base)).toEqual(['mine.txt']);
  await end(agent);
  for (const row of ['F-99', 'S-27']) tally({ row, rounds: 1 });
});

test('F-101: an agent that is killed in the middle of a clone leaves nothing that the next one stumbles over', async () => {
  const big = await lab.place.bash(
    'git init -q -b main big && cd big && for i in 1 2 3 4 5 6 7 8; do head -c 4000000 /dev/urandom > f$i; done && git add . && git -c user.name=e -c user.email=e@e.example commit -qm big',
  );
  expect(big.status).toBe(0);
  const { session, agent } = await onRepository('f101', lab.place.path('big'));
  const id = await lab.submit(session, 'git fsck --full 2>&1 | tail -1; ls | wc -l');
  await until('it clones', () =>
    lab.place.processes().some(({ command }) => / (fetch|index-pack) --/.test(command)),
  );
  await end(agent);
  const next = await lab.agent(session, { args: ['--allow-local-git'] });
  // git itself has 32 MB to pack and to look through
  expect(await lab.place.whole(id, 180_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  expect((await lab.place.logs(id, 'stdout')).trim()).toMatch(/8$/);
  expect(clones(session).filter((path) => !path.endsWith('/big') && !path.includes('.keruta'))).toEqual([]);
  await end(next);
  tally({ row: 'F-101', rounds: 1, note: 'killed' });
});

test.skipIf(noDisks !== null)(
  `F-101: a disk that is full in the middle of a clone fails the task and says so, nothing half-made is left, and with space again the next one is whole${noDisks === null ? '' : ` (skipped: ${noDisks})`}`,
  async () => {
    const made = await lab.place.bash(
      'git init -q -b main large && cd large && git config core.compression 0 && for i in 1 2; do head -c 3000000 /dev/urandom > f$i; done && git add . && git -c user.name=e -c user.email=e@e.example commit -qm large && git rev-parse HEAD',
    );
    expect(made.status).toBe(0);
    const session = await lab.place.session('f101 full', { repositoryUrl: lab.place.path('large') });
    const disk = Disk.mount(lab.place.path(`base-${session}`), 'size=5m');
    onTestFinished(() => disk.remove());
    const env = { KERUTA_MIN_FREE_DISK: '1MB' };
    const agent = await lab.agent(session, { args: ['--allow-local-git'], env });
    const { task } = await runIn(session, 'echo ran');
    expect(task).toMatchObject({ status: 'FAILED', reason: 'disk', attempt: 1 });
    expect(task.message).toMatch(/no space left|ENOSPC/i);
    // neither the clone nor anything of it
    const left = clones(session).filter((path) => !path.endsWith('.keruta'));
    expect(left).toEqual([]);
    disk.set('remount,size=40m');
    const next = await runIn(
      session,
      'git rev-parse HEAD; git status --porcelain; git fsck --full 2>&1 | grep -v dangling',
    );
    expect(next.task).toMatchObject({ attempt: 1, reason: null });
    expect(next.text).toBe(made.stdout);
    expect(isLiving(agent.pid)).toBe(true);
    await end(agent);
    tally({ row: 'F-101', rounds: 1, note: 'disk full: 6 MB into 5 MB' });
  },
);

describe('F-95, F-96: names that are options or commands', () => {
  const refs = [
    ...['--upload-pack=touch ran-f95;git-upload-pack', '-x', 'a..b', '@{-1}', 'x.lock', 'a\nb'],
    'x'.repeat(10_000),
  ];
  test.each(refs.map((ref) => [JSON.stringify(ref.slice(0, 30)), ref]))(
    'the ref %s runs nothing',
    async (_shown, ref) => {
      const { session, agent } = await onRepository(`f95 ${ref.slice(0, 20)}`, remote);
      const made = await lab.place.submit(session, 'echo ran', { ref }).catch((error: Error) => error);
      if (typeof made === 'string') {
        expect(await lab.place.whole(made)).toMatchObject({ status: 'FAILED', reason: 'checkout' });
        expect(await lab.place.logs(made)).toBe('');
      } else expect(made.message).toMatch(/: 4\d\d /);
      const markers = await lab.place.bash(`find '${lab.place.directory}' -name 'ran-f95*'`);
      expect(markers.stdout).toBe('');
      await end(agent);
      tally({ row: 'F-95', rounds: 1 });
    },
  );

  test.each([
    "ext::sh -c 'touch ran-f96'",
    '-oProxyCommand=touch ran-f96',
    'ssh://-oProxyCommand=touch/x',
    'https://h/a\nb',
    'https://user:hunter2hunter2@127.0.0.1:1/app.git',
  ])('the address %j runs nothing and shows no password', async (url) => {
    const session = await lab.place
      .session(`f96 ${url.slice(0, 12)}`, { repositoryUrl: url })
      .catch((error: Error) => error);
    tally({ row: 'F-96', rounds: 1 });
    if (session instanceof Error) return expect(session.message).toMatch(/: 4\d\d /);
    const agent = await lab.agent(session);
    const { task } = await runIn(session, 'echo ran');
    expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout' });
    expect(JSON.stringify(task) + agent.stderr()).not.toContain('hunter2hunter2');
    const left = await lab.place.bash(
      `find '${lab.place.directory}' -name 'ran-f96*'; grep -rl hunter2hunter2 '${lab.place.path(`base-${session}`)}'`,
    );
    expect(left.stdout).toBe('');
    await end(agent);
  });
});
