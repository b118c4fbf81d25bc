/**
 * `npm run faults`: runs every fault row with all its rounds and prints what each measured; see docs/reliability.md.
 *
 *   node scripts/faults.ts [--short] [--workers N] [--table FILE] [FILE…]
 *
 * Files run side by side, N at a time (default: two for each processor, since most rows wait), and those that must not be
 * disturbed one by one behind them. A line says how each ended; of one that failed all that it printed is shown.
 * `--short` does few rounds, as scripts/test.sh does. FAULTS_SEED=N repeats what was random. `--table` writes a table of all
 * rows into a file, as Markdown: row, tests, rounds, lines, result.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Tally } from '../test/faults/lab/rounds.ts';
import { nameOf, planFaults } from './fault-plan.ts';
import { faultTable, type RowTest } from './fault-table.ts';

/** What became of one file. */
interface Ran {
  readonly name: string;
  readonly seconds: number;
  readonly failed: number;
  readonly passed: number;
  readonly skipped: readonly string[];
  readonly tests: readonly RowTest[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(2 * availableParallelism()) },
    table: { type: 'string', default: '' },
  },
});
const startedAt = Date.now();
const directory = mkdtempSync(join(tmpdir(), 'keruta-faults-'));
const tallies = join(directory, 'tallies');
const files = readdirSync('test/faults').filter((name) => name.endsWith('.test.ts'));
const plan = planFaults(
  files.map((name) => `test/faults/${name}`),
  positionals,
);
const ran = [
  ...(await runAll(plan.together, Math.max(1, Number(values.workers)))),
  ...(await runAll(plan.alone, 1)),
];
printRows();
printFiles();
if (values.table !== '') {
  const tests = ran.flatMap((one) => one.tests);
  writeFileSync(values.table, `${faultTable({ tests, tallies: readTallies() }).join('\n')}\n`);
}
rmSync(directory, { recursive: true, force: true });
process.exit(ran.length > 0 && ran.every(({ failed }) => failed === 0) ? 0 : 1);

/** Runs files, so many at a time, in their order. */
async function runAll(paths: readonly string[], workers: number): Promise<readonly Ran[]> {
  const [queue, done] = [[...paths], [] as Ran[]];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) done.push(await runFile(next));
  };
  await Promise.all(Array.from({ length: workers }, work));
  return done;
}

/** Runs one file, and says how it ended. */
async function runFile(path: string): Promise<Ran> {
  const [name, began, report] = [nameOf(path), Date.now(), join(directory, `${nameOf(path)}.json`)];
  const words = ['run', '--project', 'faults', '--reporter=default', '--reporter=json'];
  const { status, output } = await printed('vitest', [...words, `--outputFile.json=${report}`, path]);
  const seconds = Math.round((Date.now() - began) / 1000);
  const results = resultsIn(report);
  const titled = (...statuses: readonly string[]) =>
    results.filter((one) => statuses.includes(one.status)).map(({ fullName }) => fullName.trim());
  const passed = titled('passed').length;
  // one that broke outside of its tests counts as one
  const failed = status === 0 ? 0 : Math.max(1, titled('failed').length);
  if (failed > 0) console.log(output.replaceAll(/^.*✓.*\n/gm, ''));
  const counts = failed === 0 ? `${passed} passed` : `${failed} failed, ${passed} passed`;
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'}  ${name}: ${counts} (${seconds} s)`);
  // a row that cannot run here is told, never counted as passed
  const tests = results.map(({ fullName, status }) => ({ file: path, title: fullName.trim(), status }));
  return { name, seconds, failed, passed, skipped: titled('pending', 'skipped'), tests };
}

/** Runs a program to its end. @returns how it ended, and what it printed */
function printed(program: string, words: readonly string[]): Promise<{ status: number; output: string }> {
  const env = { ...process.env, FAULTS: values.short ? 'short' : 'full', FAULTS_REPORT: tallies };
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (status) => done({ status: status ?? 1, output }));
  });
}

interface Result {
  readonly fullName: string;
  readonly status: string;
}

function resultsIn(report: string): readonly Result[] {
  if (!existsSync(report)) return [];
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
  };
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

/** What the rows told of themselves. */
function readTallies(): Tally[] {
  const entries = existsSync(tallies) ? readFileSync(tallies, 'utf8').trim().split('\n') : [];
  return entries.filter(Boolean).map((line) => JSON.parse(line) as Tally);
}

/** What each row measured, by its number. */
function printRows(): void {
  const rows = readTallies();
  rows.sort((a, b) => a.row.localeCompare(b.row, 'en', { numeric: true }));
  console.log('\nrow     rounds  lines      measured');
  for (const { row, rounds, lines, note } of rows) {
    const cells = [
      row.padEnd(7),
      String(rounds).padStart(6),
      (lines?.toLocaleString('en') ?? '').padStart(10),
    ];
    console.log(`${cells.join(' ')}  ${note ?? ''}`);
  }
  const total = rows.reduce((sum, { lines }) => sum + (lines ?? 0), 0);
  const count = new Set(rows.map(({ row }) => row)).size;
  console.log(`\n${count} rows, ${total.toLocaleString('en')} lines compared`);
}

/** How long each file took, and what all of it came to. */
function printFiles(): void {
  for (const title of ran.flatMap(({ skipped }) => skipped)) console.log(`skipped: ${title}`);
  console.log('\nseconds  file');
  for (const { name, seconds, failed } of ran.toSorted((a, b) => b.seconds - a.seconds))
    console.log(`${String(seconds).padStart(7)}  ${name}${failed === 0 ? '' : `, ${failed} failed`}`);
  const sum = (of: (one: Ran) => number) => ran.reduce((total, one) => total + of(one), 0);
  const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
  const counts = `${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`;
  console.log(`\n${counts}, ${sum(({ skipped }) => skipped.length)} skipped in ${minutes} min`);
}
