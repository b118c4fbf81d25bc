/** Runs the functions of a file in this process, and tells what they do. */
import { readZone } from '../../../internal/trigger/cron/zone.ts';
import type { Unit } from '../../../lib/src/registry.ts';
import { Scheduler } from '../../../lib/src/scheduler.ts';
import type { RunRecord } from '../../../lib/src/types.ts';
import { Watcher } from '../../../lib/src/watcher.ts';
import { type Serving, serveWebhooks } from '../../../lib/src/webhook-server.ts';
import type { CommandContext } from '../command.ts';
import { type ImportedFile, importFile } from './import-file.ts';
import { unitsOf } from './units.ts';

/** What is run, and how. */
export interface RunHereWish {
  readonly file: string;
  /** zone of functions that name none */
  readonly timezone: string;
  /** port of the webhooks; null: only what falls due by time is run */
  readonly port: number | null;
}

/** Until SIGINT or SIGTERM. @returns the exit status */
export async function runHere(context: CommandContext, values: RunHereWish): Promise<number> {
  const timezone = readZone(values.timezone);
  const stopped = new Promise<void>((resolve) => {
    context.onStop((_name, count) => {
      if (count > 1) process.exit(1);
      resolve();
    });
  });
  const file = await importFile(values.file, { cwd: context.cwd, onlyDescribes: false });
  const units = unitsOf(file);
  const tell = (line: string) => void context.stdout.write(`${line}\n`);
  const onRun = (record: RunRecord) => tell(lineOf(record));
  const { started } = file.table;
  const scheduler = new Scheduler({ timezone, onRun });
  const watcher = new Watcher({ onRun, onProblem: (message) => void context.stderr.write(`${message}\n`) });
  const isOwn = new Set(started);
  let serving: Serving | null = null;
  try {
    if (!isOwn.has('scheduler')) scheduler.start();
    const isAll = values.port !== null;
    if (isAll && !isOwn.has('watcher')) await watcher.start();
    if (values.port !== null && !isOwn.has('webhook') && units.some((unit) => takes(unit, 'webhook'))) {
      const secret = context.env.GITHUB_WEBHOOK_SECRET || context.env.WEBHOOK_SECRET || undefined;
      const slackSecret = context.env.SLACK_SIGNING_SECRET || undefined;
      const how = secret || slackSecret ? { secret, slackSecret } : { auth: 'none' as const };
      serving = await serveWebhooks({ port: values.port, onRun, ...how });
    }
    for (const line of overview(file, { scheduler, serving, watched: isAll ? units : null })) tell(line);
    await stopped;
  } finally {
    await serving?.close();
    await watcher.stop();
    await scheduler.stop();
  }
  return 0;
}

function takes({ triggers }: Unit, type: string): boolean {
  return triggers.some((trigger) => trigger.type === type);
}

interface Running {
  readonly scheduler: Scheduler;
  readonly serving: Serving | null;
  /** null: files are not watched */
  readonly watched: readonly Unit[] | null;
}

function overview({ path, table }: ImportedFile, { scheduler, serving, watched }: Running): string[] {
  const at = (ms: number | null) => (ms === null ? 'never again' : new Date(ms).toISOString());
  const watchers = (watched ?? []).flatMap(({ name, triggers }) =>
    triggers
      .filter(({ type }) => type === 'file')
      .map(({ path: directory, patterns }) => `  ${name}: ${directory}, ${patterns ?? 'all files'}`),
  );
  const lines = [
    ...scheduler.jobs().map(({ name, when, nextAt }) => `  ${name}: ${when}, next ${at(nextAt)}`),
    ...(serving?.events ?? []).map((event) => `  ${event}: ${serving?.url}/webhook/${event}`),
    ...watchers,
  ];
  const isIdle = lines.length === 0 && table.started.size === 0;
  return [
    `${path} runs; end it with Ctrl-C`,
    ...(isIdle
      ? ['  nothing in it starts by itself: give a function a time, an event or a directory']
      : lines),
  ];
}

function lineOf({ name, source, status, attempts, error, result, durationMs }: RunRecord): string {
  const times = attempts > 1 ? ` after ${attempts} attempts` : '';
  if (status !== 'completed') return `${name} (${source}): ${status}${times}: ${error}`;
  const text = typeof result === 'string' ? result : (JSON.stringify(result) ?? '');
  return `${name} (${source}): completed${times} in ${durationMs} ms${text === '' ? '' : `: ${text}`}`;
}
