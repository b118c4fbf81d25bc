/** Runs the functions of a file in this process, and tells what they do. */
import { readZone } from '../../../internal/trigger/cron/zone.ts';
import { Scheduler } from '../../../lib/src/scheduler.ts';
import type { RunRecord } from '../../../lib/src/types.ts';
import { Watcher } from '../../../lib/src/watcher.ts';
import { type Serving, serveWebhooks } from '../../../lib/src/webhook-server.ts';
import type { CommandContext } from '../command.ts';
import { type ImportedFile, importFile } from './import-file.ts';
import { unitsOf } from './units.ts';

/** Until SIGINT or SIGTERM. @returns the exit status */
export async function runHere(
  context: CommandContext,
  values: { readonly file: string; readonly port: number; readonly timezone: string },
): Promise<number> {
  const timezone = readZone(values.timezone);
  const stopped = new Promise<void>((resolve) => {
    context.onStop((_name, count) => {
      if (count > 1) process.exit(1);
      resolve();
    });
  });
  const file = await importFile(values.file, { cwd: context.cwd, onlyDescribes: false });
  const tell = (line: string) => void context.stdout.write(`${line}\n`);
  const onRun = (record: RunRecord) => tell(lineOf(record));
  const { started } = file.table;
  const scheduler = new Scheduler({ timezone, onRun });
  const watcher = new Watcher({ onRun, onProblem: (message) => void context.stderr.write(`${message}\n`) });
  const isOwn = new Set(started);
  let serving: Serving | null = null;
  try {
    if (!isOwn.has('scheduler')) scheduler.start();
    if (!isOwn.has('watcher')) await watcher.start();
    if (!isOwn.has('webhook') && has(file, 'webhook')) {
      const secret = context.env.GITHUB_WEBHOOK_SECRET || context.env.WEBHOOK_SECRET;
      const how = secret ? { secret } : { auth: 'none' as const };
      serving = await serveWebhooks({ port: values.port, onRun, ...how });
    }
    for (const line of overview(file, { scheduler, serving })) tell(line);
    await stopped;
  } finally {
    await serving?.close();
    await watcher.stop();
    await scheduler.stop();
  }
  return 0;
}

function has(file: ImportedFile, type: string): boolean {
  return unitsOf(file).some(({ triggers }) => triggers.some((trigger) => trigger.type === type));
}

function overview(
  file: ImportedFile,
  { scheduler, serving }: { readonly scheduler: Scheduler; readonly serving: Serving | null },
): string[] {
  const at = (ms: number | null) => (ms === null ? 'never again' : new Date(ms).toISOString());
  const watchers = unitsOf(file).flatMap(({ name, triggers }) =>
    triggers
      .filter(({ type }) => type === 'file')
      .map(({ path, patterns }) => `  ${name}: ${path}, ${patterns ?? 'all files'}`),
  );
  return [
    `${file.path} runs; end it with Ctrl-C`,
    ...scheduler.jobs().map(({ name, when, nextAt }) => `  ${name}: ${when}, next ${at(nextAt)}`),
    ...(serving?.events ?? []).map((event) => `  ${event}: ${serving?.url}/webhook/${event}`),
    ...watchers,
  ];
}

function lineOf({ name, source, status, attempts, error, result, durationMs }: RunRecord): string {
  const times = attempts > 1 ? ` after ${attempts} attempts` : '';
  if (status !== 'completed') return `${name} (${source}): ${status}${times}: ${error}`;
  const text = typeof result === 'string' ? result : (JSON.stringify(result) ?? '');
  return `${name} (${source}): completed${times} in ${durationMs} ms${text === '' ? '' : `: ${text}`}`;
}
