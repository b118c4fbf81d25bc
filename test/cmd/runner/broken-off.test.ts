import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { JournalState } from '../../../internal/runner/journal.ts';
import { git, makeRepository, temporaryDirectory } from '../../fixtures/git.ts';

// a home of each start, with a pool in it
vi.setConfig({ hookTimeout: 60_000 });

const program = resolve(import.meta.dirname, '../../../cmd/keruta/main.ts');
const costMicros = 30_000;

/** A task with a directory of its own, which can be begun again and again. */
function makeDesk() {
  const home = temporaryDirectory('broken-off');
  const remote = join(home, 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  const coder = join(home, 'coder');
  writeFileSync(
    coder,
    `#!/bin/sh
cat > /dev/null
echo begun >> ${home}/begun
echo two > a.txt
echo '{"usage": {"model": "toy", "tokens_in": 7, "tokens_out": 2, "cost_usd": 0.03}}'
`,
    { mode: 0o755 },
  );
  const file = (name: string, value: object) => {
    writeFileSync(join(home, name), JSON.stringify(value));
    return join(home, name);
  };
  const words = [
    ...['runner', 'run', '--json', '--allow-local-git', '--state', join(home, 'state')],
    ...['--file', file('context.json', { title: 'Two', task_id: '1.1', repository_url: remote })],
    ...[
      '--config',
      file('runner.json', { coder: { agent: 'custom', command: coder }, test_command: 'grep two a.txt' }),
    ],
  ];
  return {
    remote,
    /** @param failpoint  where the process dies */
    start: (failpoint = '') =>
      new Promise<{ readonly signal: string | null; readonly stdout: string }>((done) => {
        const env = {
          ...{ PATH: process.env.PATH, HOME: home },
          ...{ KERUTA_BUILT_FAILPOINTS: 'on', KERUTA_FAILPOINT: failpoint },
        };
        const stdio = ['ignore', 'pipe', 'ignore'] as const;
        const child = spawn(process.execPath, [program, ...words], { cwd: home, env, stdio: [...stdio] });
        let stdout = '';
        child.stdout?.on('data', (bytes: Buffer) => {
          stdout += bytes.toString();
        });
        child.on('close', (_status, signal) => done({ signal, stdout }));
      }),
    journal: () => {
      const path = join(home, 'state', 'journal.json');
      return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as JournalState) : null;
    },
    /** how often the coding agent has begun */
    begun: () =>
      existsSync(join(home, 'begun'))
        ? readFileSync(join(home, 'begun'), 'utf8').trim().split('\n').length
        : 0,
  };
}

/** How often a journal is written until the task of these tests is done. */
const saves = 16;

describe.concurrent('a runner that is killed just before it writes down', () => {
  test.each(Array.from({ length: saves }, (_, index) => index + 1))(
    'for the time number %i what it did goes on at its next start: one commit, and every piece of work is paid once',
    async (time) => {
      const desk = makeDesk();
      expect(await desk.start(`runner_saving:kill@${time}`)).toMatchObject({ signal: 'SIGKILL' });
      const left = desk.journal();
      // what the agent did is lost when nobody wrote down that it has ended: it is asked, and paid, again
      const isLost = desk.begun() === 1 && left?.implemented == null;
      const result = JSON.parse((await desk.start()).stdout);
      expect(result).toMatchObject({ success: true, error: null, pushed: true });
      expect(git(desk.remote, 'show', `${result.branch}:a.txt`)).toBe('two');
      expect(git(desk.remote, 'rev-list', '--count', `main..${result.branch}`)).toBe('1');
      expect(git(desk.remote, 'rev-parse', result.branch)).toBe(result.commit);
      expect(desk.begun()).toBe(isLost ? 2 : 1);
      const paid = isLost ? (left?.usage?.costMicros ?? 0) + costMicros : costMicros;
      expect(Math.round(Number(result.usage.cost_usd) * 1e6)).toBe(paid);
    },
    180_000,
  );
});

test('it writes so often, and not more', async () => {
  const desk = makeDesk();
  expect(await desk.start(`runner_saving:kill@${saves + 1}`)).toMatchObject({ signal: null });
}, 180_000);
