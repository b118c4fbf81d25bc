/**
 * The main job, as a user does it: only the built executable is called. Exits 0 when all went as it should.
 *
 *   node scripts/quickstart.ts [--keep] [REPOSITORY-URL]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const executable = resolve(import.meta.dirname, '../dist/keruta');
const { values, positionals } = parseArgs({ options: { keep: { type: 'boolean' } }, allowPositionals: true });
const directory = mkdtempSync(join(tmpdir(), 'keruta-quickstart-'));
const children: ChildProcess[] = [];
let env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: directory, LANG: process.env.LANG ?? 'C.UTF-8' };

const scripts = {
  report: `set -e
keruta start --message "counting"
git log --oneline | wc -l | xargs echo commits:
for n in 25 50 75 100; do
  keruta progress $n --message "step $n"
  echo "line of step $n"
done
keruta log INFO "two files follow"
git log --oneline > "$KERUTA_ARTIFACTS_DIR/commits.txt"
git ls-files > "$KERUTA_ARTIFACTS_DIR/files.txt"
keruta success --message "all counted"
`,
  question: `answer=$(keruta ask "Which colour?" --choices red,green --timeout 60)
echo "the answer is $answer"
`,
  broken: `echo "about to fail" >&2
[ -n "$KERUTA_PARAM_AUTOFIX" ] && { echo "the fix knows why: $KERUTA_PARAM_AUTOFIX" | head -c 200; echo; exit 0; }
cat /does/not/exist
exit 3
`,
};

interface Task {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly usage: { readonly durationMs: number } | null;
  readonly logComplete: boolean;
}

try {
  await main();
} catch (error) {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  console.error(`quickstart: logs are in ${directory}`);
  await stopAll();
  process.exit(1);
}

async function main(): Promise<void> {
  const repository = positionals[0] ?? makeRepository();
  const url = await startServer();
  env = {
    ...env,
    KERUTA_API_URL: url,
    KERUTA_API_TOKEN: readFileSync(join(directory, 'server/admin.token'), 'utf8').trim(),
  };
  const session = keruta('session', 'create', 'quickstart', '--repository', repository, '--json') as {
    id: string;
  };
  env = { ...env, KERUTA_SESSION_ID: session.id, KERUTA_BASE_DIR: join(directory, 'agent') };
  console.log(`server   ${url}\nsession  ${session.id} of ${repository}`);
  start('agent', ['daemon', '--port', '0', '--allow-local-git']);

  const ids: string[] = [];
  for (const [name, script] of Object.entries(scripts)) {
    const file = join(directory, `${name}.sh`);
    writeFileSync(file, script);
    ids.push((keruta('task', 'add', file, '--name', name, '--json') as Task).id);
  }
  const fixes: Task[] = [];
  for (const id of ids) {
    await follow(id);
    fixes.push(...fixesOf(id));
  }
  for (const fix of fixes) await follow(fix.id);
  const tasks = [...ids, ...fixes.map((fix) => fix.id)].map(
    (id) => keruta('task', 'show', id, '--json') as Task,
  );
  printSummary(tasks);
  check(tasks);
  console.log(`\nlogs     ${executable} task logs ${ids[0]}   (with KERUTA_API_URL and KERUTA_API_TOKEN)`);
  console.log(`pages    ${url}/docs`);
  console.log(`files    ${directory}`);
  if (values.keep) {
    console.log(
      `\nIt goes on running (--keep). To use it:\n  export KERUTA_API_URL=${url} KERUTA_API_TOKEN_FILE=${directory}/server/admin.token KERUTA_SESSION_ID=${session.id}`,
    );
    console.log(`To end it: kill ${children.map((child) => child.pid).join(' ')}; rm -r ${directory}`);
    for (const child of children) child.unref();
    process.exit(0);
  }
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
}

/** Runs a command of the executable and reads its JSON. */
function keruta(...args: string[]): unknown {
  return JSON.parse(
    execFileSync(executable, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  );
}

function start(name: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(directory, `${name}.log`), 'a');
  const child = spawn(executable, args, { env, cwd: directory, stdio: ['ignore', log, log], detached: true });
  children.push(child);
  return child;
}

async function startServer(): Promise<string> {
  const port = await freePort();
  start('server', ['server', '--port', String(port), '--data-dir', join(directory, 'server')]);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`${url}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return url;
    if (tries > 400) throw new Error('the server did not start within 20 s');
    await pause(50);
  }
}

/** Shows a task's output live, and answers its question. */
async function follow(id: string): Promise<void> {
  console.log(`\n── task ${id}`);
  const logs = spawn(executable, ['task', 'logs', '-f', id], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((done) => logs.on('exit', () => done()));
  let answered = false;
  for (let over = false; !over; ) {
    over = await Promise.race([ended.then(() => true), pause(200).then(() => false)]);
    if (!answered && !over && (await statusOf(id)) === 'WAITING_FOR_INPUT') {
      keruta('task', 'input', id, 'green', '--json');
      console.log('(the quickstart answers: green)');
      answered = true;
    }
  }
}

async function statusOf(id: string): Promise<string> {
  const headers = { authorization: `Bearer ${env.KERUTA_API_TOKEN}` };
  const answer = await fetch(`${env.KERUTA_API_URL}/api/v1/tasks/${id}`, { headers });
  return ((await answer.json()) as Task).status;
}

function fixesOf(id: string): Task[] {
  return (keruta('task', 'list', '--json') as (Task & { parentTaskId: string | null })[]).filter(
    (task) => task.parentTaskId === id,
  );
}

function printSummary(tasks: readonly Task[]): void {
  const rows = tasks.map((task) => {
    const artifacts = keruta('artifact', 'list', '--task-id', task.id, '--json') as unknown[];
    const bytes = execFileSync(executable, ['task', 'logs', task.id], { env }).length;
    const seconds = ((task.usage?.durationMs ?? 0) / 1000).toFixed(2);
    return [
      task.name,
      task.status,
      String(task.exitCode ?? '-'),
      `${seconds} s`,
      String(artifacts.length),
      `${bytes} B`,
    ];
  });
  const all = [['task', 'status', 'exit', 'duration', 'artifacts', 'log'], ...rows];
  const widths =
    all[0]?.map((_cell, column) => Math.max(...all.map((row) => width(row[column] ?? '')))) ?? [];
  console.log('');
  for (const row of all) {
    console.log(
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell) + 2))
        .join('')
        .trimEnd(),
    );
  }
}

/** Columns on a terminal: CJK characters take two. */
function width(text: string): number {
  return [...text].reduce((sum, char) => sum + (char >= '\u1100' ? 2 : 1), 0);
}

function check(tasks: readonly Task[]): void {
  const got = tasks.map((task) => `${task.status}${task.logComplete ? '' : ' (log incomplete)'}`).join(', ');
  const wanted = 'COMPLETED, COMPLETED, FAILED, COMPLETED';
  if (got !== wanted) throw new Error(`expected the tasks to end ${wanted}; got ${got}`);
}

function makeRepository(): string {
  const path = join(directory, 'sample');
  mkdirSync(path);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', path, ...args], { env: gitEnv(), stdio: 'ignore' });
  git('init', '-b', 'main');
  for (const [file, text] of [
    ['README.md', '# sample\n'],
    ['a.txt', 'one\n'],
    ['b.txt', 'two\n'],
  ] as const) {
    writeFileSync(join(path, file), text);
    git('add', file);
    git('commit', '-m', `add ${file}`);
  }
  return path;
}

function gitEnv(): NodeJS.ProcessEnv {
  const person = { NAME: 'Quick Start', EMAIL: 'quick@start.example' };
  return {
    PATH: process.env.PATH,
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: person.NAME,
    GIT_AUTHOR_EMAIL: person.EMAIL,
    GIT_COMMITTER_NAME: person.NAME,
    GIT_COMMITTER_EMAIL: person.EMAIL,
  };
}

async function stopAll(): Promise<void> {
  for (const child of [...children].reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    await Promise.race([ended, pause(15_000).then(() => child.kill('SIGKILL'))]);
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
