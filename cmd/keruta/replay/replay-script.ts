/** Runs the script of a task as an agent runs it, and shows its output as it comes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Run, RunEnd } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { taskEnvironment } from '../../../internal/worker/environment.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { CommandContext } from '../command.ts';
import { printJson } from '../people/print.ts';
import { runCommandsOf } from '../roles/start-agent.ts';
import { teeExecutor } from '../task-commands/tee-executor.ts';
import type { KnownTask } from './known-task.ts';
import type { ReplayPlace } from './replay-place.ts';
import type { ReplayFacts } from './replay-task.ts';

/** What is run, and where. */
export interface ScriptReplay {
  readonly known: KnownTask;
  readonly place: ReplayPlace;
  readonly facts: ReplayFacts;
  readonly variables: Readonly<Record<string, string>>;
}

/** Where nobody listens: what a script says to the API goes nowhere. */
const nowhere = 'http://127.0.0.1:1';
const interrupted = 130;

/** @returns the exit status of the script, 128 + n for a signal, 130 when it was stopped */
export async function replayScript(context: CommandContext, replay: ScriptReplay): Promise<number> {
  const { known, place, facts } = replay;
  const { clock } = context;
  const commands = runCommandsOf(join(place.scratch, 'keruta'));
  commands.write();
  const inner = makeLocalExecutor({ clock, stateDirectory: join(place.scratch, 'shims') });
  // with --json stdout is for the result alone
  const output = (stream: 'stdout' | 'stderr', bytes: Uint8Array) =>
    context[context.json ? 'stderr' : stream].write(bytes);
  const executor = teeExecutor(inner, { output, ended: () => {} });
  let run: Run | null = null;
  let isStopped = false;
  const giveBack = context.onStop((_name, count) => {
    isStopped = true;
    if (run !== null) void (count === 1 ? run.interrupt() : run.kill()).catch(() => {});
  });
  try {
    if (isStopped) return interrupted;
    run = await executor.start(specOf(context, replay, commands.executable));
    if (isStopped) await run.interrupt();
    const { timeoutSeconds } = known.task;
    const end = await endOf(context, run, timeoutSeconds === null ? null : timeoutSeconds * 1000);
    const status = isStopped ? interrupted : statusOf(end);
    if (context.json) {
      const { exitCode, signal } = end;
      await printJson(context, { taskId: known.task.id, status, exitCode, signal, ...facts });
    } else if (status !== 0 && !isStopped)
      await context.stderr.write(`keruta: the script ended with ${status}\n`);
    return status;
  } finally {
    giveBack();
    await run?.kill();
    await executor.close();
  }
}

function specOf(context: CommandContext, { known, place, variables }: ScriptReplay, executable: string) {
  const { task, event } = known;
  const attempt = Math.max(1, task.attempt);
  // as an agent names it: the commands of a run look at that
  const directory = join(place.scratch, `${task.id}.${attempt}`);
  const runId = `replay-${context.random.uuid4()}`;
  const artifactsDirectory = join(place.directory, '.keruta', 'doc');
  for (const made of [directory, artifactsDirectory]) mkdirSync(made, { recursive: true, mode: 0o700 });
  const file = (name: string, value: unknown) => {
    const path = join(directory, name);
    writeFileSync(path, JSON.stringify(value), { mode: 0o600 });
    return path;
  };
  const { env } = taskEnvironment({
    inherited: { PATH: context.env.PATH, ...variables },
    added: event === null ? {} : triggerVariables(event),
    task,
    ...{ workspaceId: context.env.KERUTA_WORKSPACE_ID ?? '', attempt, runId, runDirectory: directory },
    ...{ apiUrl: nowhere, token: null, traceparent: null, executable, artifactsDirectory },
    binDirectory: join(place.scratch, 'keruta', 'bin'),
    workingDirectory: place.directory,
    parametersFile: file('parameters.json', task.parameters),
    eventFile: event === null ? null : file('event.json', event),
  });
  return {
    directory,
    runId,
    script: task.script,
    workingDirectory: place.directory,
    env,
    input: 'none' as const,
  };
}

/** As the server gives them to a task that a trigger made. */
function triggerVariables(event: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const trigger = (event.trigger ?? {}) as Readonly<Record<string, unknown>>;
  return {
    KERUTA_WORKFLOW: text(event.workflow),
    KERUTA_FOCUS: Array.isArray(event.focus) ? event.focus.map(text).join(',') : '',
    KERUTA_TRIGGER: text(trigger.name),
    KERUTA_TRIGGER_TYPE: text(trigger.type) || text(event.source),
    KERUTA_NOMINAL_AT: text(event.nominalAt),
    KERUTA_EVENT_KIND: text(event.kind),
  };
}

/** Waits until the script has ended, ends what it left running, and shows the rest of its output. */
async function endOf({ clock }: CommandContext, run: Run, timeoutMs: number | null): Promise<RunEnd> {
  const cancel =
    timeoutMs === null ? () => {} : clock.after(timeoutMs, () => void run.kill().catch(() => {}));
  try {
    const end = await until(clock, run, () => run.ended());
    await run.kill();
    await until(clock, run, async () => ((await run.drained()) ? true : null));
    return end;
  } finally {
    cancel();
  }
}

/** The watch of a run does not keep a process alive, and may miss something: so it is looked this often anyway; ms. */
const lookEveryMs = 200;

async function until<T>(clock: Clock, run: Run, look: () => Promise<T | null>): Promise<T> {
  let wake = () => {};
  const stop = run.watch(() => wake());
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const found = await look();
      if (found !== null) return found;
      await Promise.race([changed, clock.sleep(lookEveryMs)]);
    }
  } finally {
    stop();
  }
}

function statusOf({ exitCode, signal }: RunEnd): number {
  if (exitCode !== null) return exitCode;
  const signals: Readonly<Record<string, number | undefined>> = constants.signals;
  return 128 + (signals[signal ?? ''] ?? 9);
}
