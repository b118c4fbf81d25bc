/** How long it takes until a task has a work tree of a large repository. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeBigRepository } from '../test/fixtures/big-repository.ts';
import { type Bench, executable, median, ms, type Row } from './harness.ts';

const [files, commits] = [50_000, 10_000];
/** First allocation against `git clone --bare` and a checkout, by the same transport. */
const allowedTimes = 1.2;
/** What the product promises for each one after that. */
const allowedMs = 1_000;
const rounds = 3;
const laterRounds = 7;

/** Allocates and releases slots by the command, of a repository with 50,000 files and 10,000 commits. */
export async function benchSlots(bench: Bench): Promise<Row[]> {
  const remote = join(bench.directory, 'big.git');
  makeBigRepository({ directory: remote, files, commits });
  const url = `file://${remote}`;
  const [least, first]: [number[], number[]] = [[], []];
  const later: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const base = join(bench.directory, `pool-${round}`);
    const [bare, tree] = [join(bench.directory, 'bare.git'), join(bench.directory, 'tree')];
    least.push(
      took(() => {
        execFileSync('git', ['clone', '--quiet', '--bare', url, bare]);
        execFileSync('git', ['--git-dir', bare, 'worktree', 'add', '--quiet', '--detach', tree, 'main']);
      }),
    );
    rmSync(bare, { recursive: true });
    rmSync(tree, { recursive: true });
    const env = { ...bench.env(), KERUTA_BASE_DIR: base, KERUTA_ALLOW_LOCAL_GIT: 'true' };
    const slot = (...words: string[]) =>
      execFileSync(executable, ['slot', ...words, '--json'], { env, encoding: 'utf8' });
    let id = '';
    const allocate = (name: string) => {
      id = (JSON.parse(slot('allocate', url, '--for', name)) as { id: string }).id;
    };
    first.push(took(() => allocate('first')));
    slot('release', id);
    if (round === 0)
      for (let number = 0; number < laterRounds; number += 1) {
        // somebody has pushed meanwhile
        if (number % 2 === 1) advance(remote, number);
        later.push(took(() => allocate(`later-${number}`)));
        slot('release', id);
      }
    rmSync(base, { recursive: true });
  }
  const times = median(first) / median(least);
  return [
    {
      what: `first slot of a repository with ${files} files and ${commits} commits`,
      measured: `${ms(median(first))}; ${times.toFixed(2)} times clone --bare and checkout (${ms(median(least))})`,
      allowed: `<= ${allowedTimes} times`,
      met: times <= allowedTimes,
    },
    {
      what: 'each later one, with and without new commits',
      measured: `p50 ${ms(median(later))}, longest ${ms(Math.max(...later))}`,
      allowed: `<= ${allowedMs} ms`,
      met: Math.max(...later) <= allowedMs,
    },
  ];
}

function advance(remote: string, number: number): void {
  const text = `later ${number}\n`;
  const stream = `commit refs/heads/main\ncommitter A <a@example.org> 1900000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 100644 inline area-1/later.txt\ndata ${text.length}\n${text}\n`;
  execFileSync('git', ['-C', remote, 'fast-import', '--quiet'], { input: stream });
}

function took(action: () => void): number {
  const startedAt = performance.now();
  action();
  return performance.now() - startedAt;
}
