/** `keruta execute` for a task: its turn in the session is taken, then it is run here as the agent would run it. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import { detectAbilities, makeStatusWriter } from '../../../internal/api/dialect.ts';
import { makeTaskSource } from '../../../internal/api/make-task-source.ts';
import { isRetryable } from '../../../internal/api/retryable.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import type { ClaimedTask, TaskSource } from '../../../internal/api/task-source.ts';
import { ConflictError } from '../../../internal/domain/errors.ts';
import { isActive, isEnded, parseTaskStatus } from '../../../internal/domain/task-status.ts';
import type { RunEnd } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { runAgent } from '../../../internal/worker/agent.ts';
import { AgentControl } from '../../../internal/worker/control.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { findAccess } from '../client.ts';
import type { CommandContext } from '../command.ts';
import { findTask } from '../people/find.ts';
import { agentOptionsOf, runCommandsOf } from '../roles/start-agent.ts';
import { teeExecutor } from './tee-executor.ts';

/** How often the session is asked whether it is our turn; ms. */
const turnEveryMs = 1_000;

/**
 * Runs a task here.
 * @param what.script what to run; null = the task's own
 * @returns the exit status of the script; 128 + 9 when a signal ended it, 1 when it did not run
 */
export async function executeTask(
  context: CommandContext,
  what: {
    readonly taskId: string;
    readonly script: string | null;
    readonly workDir: string;
    readonly timeoutMs: number | null;
  },
): Promise<number> {
  const settings = await context.settings();
  const client = await context.makeClient();
  const task = await findTask(context, client, what.taskId);
  refuseEnded(task);
  await refuseRunning(context, client, task);
  await waitForTurn(context, client, task);
  const script =
    what.script ?? (task.script || (await client.tasks.script(task.id, { signal: context.signal })).content);
  const { clock, random } = context;
  const log = quiet(context.log);
  const control = new AgentControl();
  const giveBack = context.onStop((_signal, count) => control.stop(count === 1 ? 'cancel' : 'leave'));
  const commands = runCommandsOf(settings.values.baseDir);
  commands.write();
  const baseDirectory = join(settings.values.baseDir, 'execute', randomUUID());
  let end: RunEnd | null = null;
  let refusal: { readonly error: unknown } | null = null;
  const onRefusal = (error: unknown) => {
    refusal = { error };
    control.stop('drain');
  };
  try {
    const options = agentOptionsOf(
      {
        context,
        settings,
        access: findAccess(settings),
        control,
        log,
        findSession: async () => ({ id: task.sessionId }),
      },
      { sessionId: task.sessionId, executable: commands.executable },
    );
    const executor = teeExecutor(makeLocalExecutor({ clock, stateDirectory: join(baseDirectory, 'shims') }), {
      output: (stream, bytes) => context[stream].write(bytes),
      ended: (how) => {
        end = how;
      },
    });
    await runAgent(
      {
        clock,
        random,
        log,
        executor,
        source: async (agentId) => {
          const abilities = await detectAbilities(client, { signal: control.draining });
          const agent = { hostname: hostname(), version: context.version };
          const { sessionId } = task;
          const source = makeTaskSource({
            client,
            clock,
            random,
            log,
            abilities,
            sessionId,
            workspaceId: null,
            agentId,
            agent,
          });
          const limits = what.timeoutMs === null ? {} : { timeoutSeconds: what.timeoutMs / 1000 };
          const takeIt = () => take(context, client, { ...task, script, ...limits });
          return oneTask(source, { takeIt, onRefusal });
        },
      },
      { ...options, baseDirectory, workingDirectory: what.workDir, once: true, localApi: null },
      control,
    );
  } finally {
    giveBack();
    rmSync(baseDirectory, { recursive: true, force: true });
  }
  const refused = refusal as { readonly error: unknown } | null;
  if (refused !== null) throw refused.error;
  const { exitCode } = (end as RunEnd | null) ?? { exitCode: 1 };
  return exitCode ?? 137;
}

function refuseEnded(task: TaskWire): void {
  const status = parseTaskStatus(task.status);
  if (status === null || !isEnded(status)) return;
  const text = `task ${task.id} has ended (${task.status}); run it again with: keruta task retry ${task.id}`;
  throw new ConflictError('KERUTA_ERR_TASK_ENDED', text);
}

/** A task that an agent runs is not run a second time beside it. */
async function refuseRunning(context: CommandContext, client: ApiClient, task: TaskWire): Promise<void> {
  // older servers know no agents; there is nothing to ask then
  const agents = await client.agents.list({ signal: context.signal }).catch(() => []);
  const holder = agents.find((agent) => agent.alive && agent.taskId === task.id);
  if (holder === undefined) return;
  throw new ConflictError(
    'KERUTA_ERR_TRANSITION',
    `task ${task.id} is being run by the agent on ${holder.hostname || 'another machine'}; ` +
      `follow it with: keruta task logs -f ${task.id}, or cancel it first`,
  );
}

/** Waits while another task of the session is under way. */
async function waitForTurn(context: CommandContext, client: ApiClient, task: TaskWire): Promise<void> {
  for (let said = false; ; said = true) {
    const all = await client.sessions.tasks(task.sessionId, undefined, { signal: context.signal });
    const other = all.find((one) => one.id !== task.id && isActive(parseTaskStatus(one.status) ?? 'PENDING'));
    if (!other) return;
    if (!said)
      await context.stderr.write(`keruta: waiting until task ${other.id} (${other.name}) has ended\n`);
    await context.clock.sleep(turnEveryMs, context.signal);
  }
}

/** Says that the task runs now, which opens an attempt for it. The session is one without repository: it runs as it is. */
async function take(context: CommandContext, client: ApiClient, task: TaskWire): Promise<ClaimedTask> {
  const setStatus = makeStatusWriter(client);
  const session: SessionWire = await client.sessions.get(task.sessionId, { signal: context.signal });
  await setStatus(
    task.id,
    { status: 'PROCESSING', message: '', progress: task.progress, errorCode: '' },
    context.signal,
  );
  const now = await client.tasks.get(task.id, { signal: context.signal });
  // an agent may have been quicker
  await refuseRunning(context, client, now);
  return {
    task: { ...now, script: task.script, timeoutSeconds: task.timeoutSeconds },
    attempt: Math.max(1, now.attempt),
    reason: 'execute',
    leaseMs: null,
    token: null,
    session: { ...session, repositoryUrl: null, templateConfig: null },
    environment: {},
  };
}

/** A source that has one task. While the API is away it is tried again; when it may not be taken, that is the end. */
function oneTask(
  source: TaskSource,
  how: { readonly takeIt: () => Promise<ClaimedTask>; readonly onRefusal: (error: unknown) => void },
): TaskSource {
  return {
    abilities: source.abilities,
    reporter: (attempt) => source.reporter(attempt),
    claimNext: async () => {
      try {
        return await how.takeIt();
      } catch (error) {
        if (isRetryable(error)) throw error;
        how.onRefusal(error);
        return null;
      }
    },
  };
}

/** What the agent says of its own coming and going is of no interest for one command. */
function quiet(log: Log): Log {
  return {
    ...log,
    info: log.debug,
    debug: log.debug,
    warn: log.warn,
    error: log.error,
    with: (fields) => quiet(log.with(fields)),
  };
}
