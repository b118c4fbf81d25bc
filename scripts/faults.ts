/**
 * `npm run faults`: runs every fault row with all its rounds and prints what each measured; see docs/reliability.md.
 *
 *   node scripts/faults.ts [--short] [FILE…]
 *
 * `--short` does the selection of scripts/test.sh. FAULTS_SEED=N repeats what was random.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tally } from '../test/faults/lab/rounds.ts';

const words = process.argv.slice(2);
const files = words.filter((word) => word !== '--short');
const directory = mkdtempSync(join(tmpdir(), 'keruta-faults-'));
const [tallies, report] = [join(directory, 'tallies'), join(directory, 'report.json')];
const vitest = [
  'run',
  '--project',
  'faults',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
];
const run = spawnSync('vitest', [...vitest, ...files], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FAULTS: words.includes('--short') ? 'short' : 'full',
    FAULTS_REPORT: tallies,
  },
});

const entries = existsSync(tallies) ? readFileSync(tallies, 'utf8').trim().split('\n') : [];
const rows = entries.filter(Boolean).map((line) => JSON.parse(line) as Tally);
rows.sort((a, b) => a.row.localeCompare(b.row, 'en', { numeric: true }));
console.log('\nrow     rounds  lines      measured');
for (const { row, rounds, lines, note } of rows) {
  const cells = [row.padEnd(7), String(rounds).padStart(6), (lines?.toLocaleString('en') ?? '').padStart(10)];
  console.log(`${cells.join(' ')}  ${note ?? ''}`);
}
const total = rows.reduce((sum, { lines }) => sum + (lines ?? 0), 0);
console.log(
  `\n${new Set(rows.map(({ row }) => row)).size} rows, ${total.toLocaleString('en')} lines compared`,
);
for (const title of skipped()) console.log(`skipped: ${title}`);
rmSync(directory, { recursive: true, force: true });
process.exit(run.status ?? 1);

/** A row that cannot run here is told, never counted as passed. */
function skipped(): readonly string[] {
  if (!existsSync(report)) return [];
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { fullName: string; status: string }[] }[];
  };
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'skipped')
    .map(({ fullName }) => fullName.trim());
}
