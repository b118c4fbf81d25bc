/** Runs a file in a process of its own, and starts that again when something changes: nothing of the old run stays. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { pathIgnorer } from '../../../internal/trigger/path-pattern.ts';
import { scanDirectory } from '../../../lib/src/scan-directory.ts';
import type { CommandContext } from '../command.ts';
import { selfCommand } from '../roles/self.ts';
import { requireFile } from './import-file.ts';

const lookEveryMs = 300;

/**
 * Until SIGINT or SIGTERM.
 * @returns the exit status
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND: it is not there at the beginning; later it may go and come
 */
export async function reloading(
  context: CommandContext,
  values: { readonly file: string; readonly port: number; readonly timezone: string },
): Promise<number> {
  requireFile(values.file, context.cwd);
  const stopping = new AbortController();
  let child = start(context, values);
  context.onStop(() => stopping.abort());
  const directory = dirname(resolve(context.cwd, values.file));
  let before = await marksOf(directory);
  while (!stopping.signal.aborted) {
    await context.clock.sleep(lookEveryMs, stopping.signal).catch(() => {});
    if (stopping.signal.aborted) break;
    const now = await marksOf(directory);
    const changed = [...new Set([...now.keys(), ...before.keys()])].find(
      (path) => now.get(path) !== before.get(path),
    );
    before = now;
    if (changed === undefined) continue;
    await context.stderr.write(`${changed} changed; starting again\n`);
    await end(child);
    child = start(context, values);
  }
  await end(child);
  return 0;
}

function start(
  context: CommandContext,
  { file, port, timezone }: { readonly file: string; readonly port: number; readonly timezone: string },
): ChildProcess {
  const [program, ...words] = selfCommand();
  const own = ['dev', file, '--no-reload', '--port', String(port), '--timezone', timezone];
  const child = spawn(program, [...words, ...own], {
    cwd: context.cwd,
    env: context.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => void context.stdout.write(chunk));
  child.stderr.on('data', (chunk: Buffer) => void context.stderr.write(chunk));
  child.on('exit', (code) => {
    if (code) void context.stderr.write('it ended; waiting for a change\n');
  });
  return child;
}

/** Lets runs that are under way end. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
}

async function marksOf(directory: string): Promise<Map<string, string>> {
  const isCode = (path: string) => /\.([cm]?[jt]s|json)$/.test(path);
  const found = await scanDirectory(directory, { counts: isCode, ignored: pathIgnorer(['.*']) }).catch(
    () => new Map(),
  );
  return new Map([...found].map(([path, { mark }]) => [path, mark]));
}
