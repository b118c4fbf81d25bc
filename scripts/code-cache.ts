/**
 * Makes the code cache of the large bundle, after it has run, so that it holds compiled what a start needs.
 *
 *   node scripts/code-cache.ts BUNDLE CACHE commands|roles
 *
 * `commands` runs a few commands; `roles` loads what servers and agents need, and runs a server: with one cache for all, each
 * command would read what only they use. The working directory takes what they write. The same bundle gives the same bytes: what is
 * run ends before the cache is taken, and nothing of it hangs on time.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
// biome-ignore lint/style/noRestrictedImports: the text is our own bundle
import { Script } from 'node:vm';

/** What the bundle gives. */
type Large = typeof import('../cmd/keruta/large.ts');

/** So long nothing happens before what was begun is taken as done; ms. */
const quietMs = 400;

// what was compiled stays, however long ago; a cache is only taken by who has the same flags, so they are put back for it
setFlagsFromString('--no-flush-bytecode');
const [bundle = '', cache = '', kind = ''] = process.argv.slice(2);
const script = new Script(readFileSync(bundle, 'utf8'), { filename: 'keruta-large.cjs' });
const module: { exports: unknown } = { exports: {} };
const run = script.runInThisContext() as (exports: unknown, require: NodeJS.Require, module: unknown) => void;
run(module.exports, createRequire(import.meta.url), module);
const { loadClient, loadRoles, runLarge } = module.exports as Large;

let said = '';
process.stdout.write = (text: unknown, ...rest: unknown[]) => {
  said += String(text);
  for (const done of rest) if (typeof done === 'function') done();
  return true;
};

if (kind === 'roles') {
  await loadRoles();
  await runRoles();
} else {
  await loadClient();
  const lines = [['--help'], ['config', 'show'], ['task', 'list', '--help'], ['server', '--help']];
  for (const words of lines) await runLarge(words);
}
setFlagsFromString('--flush-bytecode');
// given on the command line, so that no garbage is collected
setFlagsFromString('--initial-heap-size=0');
writeFileSync(cache, script.createCachedData());
process.exit(0);

/** Runs a server until it answers and has nothing to do. */
async function runRoles(): Promise<void> {
  const data = join(process.cwd(), 'data');
  const server = runLarge(['server', '--port', '0', '--data-dir', data]);
  const url = await until(() => /listens on (\S+)[\s\S]*admin token/.exec(said)?.[1]);
  await new Promise((done) => get(`${url}/healthz`, (answer) => answer.resume().on('end', done)));
  await quiet();
  process.emit('SIGTERM', 'SIGTERM');
  await server;
}

/** Waits until there is something. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Waits until this process has had nothing to do for a while, however busy the machine is. */
async function quiet(): Promise<void> {
  for (;;) {
    const before = performance.eventLoopUtilization();
    await new Promise((done) => setTimeout(done, quietMs));
    if (performance.eventLoopUtilization(before).active < 5) return;
  }
}
