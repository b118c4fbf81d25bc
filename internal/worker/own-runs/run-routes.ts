/** Routes of the agent's own API by which other programs have an agent task done: what `keruta runner run` does. */
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonFile } from '../../../pkg/files/json-file.ts';
import type { LocalAnswer, LocalQuestion, LocalRoute } from '../../../pkg/local-http/local-http.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { formatDuration } from '../../domain/duration.ts';
import { DeniedError, httpStatusOf, InputError, KerutaError } from '../../domain/errors.ts';
import type { AgentOptions } from '../agent-options.ts';
import { refuseForeign } from '../allowed-repositories.ts';
import { isContract, taskEnvironment } from '../environment.ts';
import { makeDirectory } from '../make-directory.ts';
import type { OwnRunStatus, OwnRuns } from './own-runs.ts';
import { type OwnRun, ownFile } from './run-folder.ts';

/** What the routes work with. */
export interface RunRouteParts {
  readonly runs: OwnRuns;
  readonly options: AgentOptions;
  readonly log: Log;
}

const startBody = z.strictObject({
  context: z.record(z.string(), z.unknown()),
  config: z.record(z.string(), z.unknown()).nullish(),
});

/** How long a client waits at least before it asks again when too many run; seconds. */
const retryAfterSeconds = 30;

const script = 'exec "$KERUTA_EXECUTABLE" runner run --file "$KERUTA_CONTEXT_FILE" --state runner --json\n';

/** `POST /runs`, `GET /runs`, `GET /runs/{id}`, `GET /runs/{id}/log` and `DELETE /runs/{id}`. */
export function runRoutes(parts: RunRouteParts): readonly LocalRoute[] {
  const { runs, log } = parts;
  const answered = (status: number, action: (body: unknown, asked: LocalQuestion) => Promise<unknown>) => {
    return async (body: unknown, asked: LocalQuestion): Promise<LocalAnswer> => {
      try {
        return { status, json: await action(body, asked) };
      } catch (error) {
        if (!(error instanceof KerutaError)) throw error;
        log.warn('a run of the local API was refused', { error: error.message, code: error.code });
        const { faults } = (error.details ?? {}) as { readonly faults?: unknown };
        return {
          status: httpStatusOf(error),
          json: { error: error.message, code: error.code, ...(faults === undefined ? {} : { faults }) },
          ...(error.code === 'KERUTA_ERR_RATE_LIMITED'
            ? { headers: { 'retry-after': `${retryAfterSeconds}` } }
            : {}),
        };
      }
    };
  };
  const id = ({ params }: LocalQuestion) => params.id ?? '';
  return [
    {
      method: 'POST',
      path: '/runs',
      answer: answered(202, async (body) => statusBody(await start(parts, body))),
    },
    { method: 'GET', path: '/runs', answer: answered(200, async () => ({ runs: runs.list().map(runBody) })) },
    {
      method: 'GET',
      path: '/runs/:id',
      answer: answered(200, async (_none, asked) => statusBody(runs.get(id(asked)))),
    },
    {
      method: 'DELETE',
      path: '/runs/:id',
      answer: answered(200, async (_none, asked) => statusBody(await runs.cancel(id(asked)))),
    },
    {
      method: 'GET',
      path: '/runs/:id/log',
      answer: answered(200, (_none, asked) => logBody(runs, id(asked), offsetOf(asked))),
    },
  ];
}

async function start({ runs, options }: RunRouteParts, body: unknown): Promise<OwnRunStatus> {
  const parsed = startBody.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') || 'the body';
    throw new InputError(
      'KERUTA_ERR_BAD_BODY',
      `${where}: ${issue?.message ?? 'not understood'}; expected {context, config?}`,
    );
  }
  if (options.inContainers === true)
    throw new DeniedError(
      'KERUTA_ERR_POLICY',
      'this agent runs scripts in containers, and an agent task needs slots of this machine; ask an agent with --executor local',
    );
  const { context, config = null } = parsed.data;
  // most agents are never asked for it
  const { readRunnerTask } = await import('../../runner/read-context.ts');
  const { readRunnerConfig } = await import('../../runner/read-config.ts');
  const task = readRunnerTask({ value: context, file: 'context' });
  if (config !== null) readRunnerConfig({ value: config, file: 'config', env: {} });
  const { allowedRepositories } = options;
  if (allowedRepositories !== null)
    refuseForeign(task.repositoryUrl ?? task.context.slotPath ?? '', allowedRepositories);
  const { title } = task.context;
  return runs.start({
    title,
    prepare: async (directory) => {
      const put = (name: string, value: unknown) => {
        const file = join(directory, name);
        writeJsonFile(file, value, { isPlain: true });
        return file;
      };
      const contextFile = put(ownFile.context, context);
      const configFile = config === null ? options.runnerConfig : put(ownFile.config, config);
      const artifacts = join(directory, 'artifacts');
      makeDirectory(artifacts);
      return {
        script,
        env: { ...(await inherited(options)), ...own(options, { contextFile, configFile, artifacts }) },
      };
    },
  });
}

/** As a task of the session gets it, without what makes it one. */
async function inherited(options: AgentOptions): Promise<Record<string, string>> {
  const nothing = '';
  const { env } = taskEnvironment({
    inherited: options.environment,
    withheld: (await options.withheld?.()) ?? [],
    added: {},
    task: { id: nothing, name: nothing, sessionId: nothing, parameters: {} },
    ...{
      workspaceId: nothing,
      attempt: 1,
      runId: nothing,
      runDirectory: nothing,
      apiUrl: nothing,
      token: null,
    },
    ...{ artifactsDirectory: nothing, workingDirectory: nothing, parametersFile: nothing, eventFile: null },
    traceparent: null,
    executable: options.executable,
    binDirectory: options.binDirectory,
  });
  const kept = Object.entries(env).filter(([name]) => !isContract(name) || ['PATH', 'TERM'].includes(name));
  return Object.fromEntries(kept);
}

function own(
  { executable, baseDirectory, allowLocalGit, gitTimeoutMs }: AgentOptions,
  files: { readonly contextFile: string; readonly configFile: string | null; readonly artifacts: string },
): Record<string, string> {
  return {
    KERUTA_EXECUTABLE: executable,
    KERUTA_BASE_DIR: baseDirectory,
    KERUTA_CONTEXT_FILE: files.contextFile,
    KERUTA_ARTIFACTS_DIR: files.artifacts,
    KERUTA_GIT_TIMEOUT: formatDuration(gitTimeoutMs),
    ...(files.configFile === null ? {} : { KERUTA_RUNNER_CONFIG: files.configFile }),
    ...(allowLocalGit ? { KERUTA_ALLOW_LOCAL_GIT: 'true' } : {}),
  };
}

function runBody({ id, title, createdAt, ended }: OwnRun): Record<string, unknown> {
  return {
    ...{ id, title, state: ended?.state ?? 'running' },
    created_at: new Date(createdAt).toISOString(),
    ended_at: ended === null ? null : new Date(ended.at).toISOString(),
    exit_code: ended?.exitCode ?? null,
  };
}

function statusBody(run: OwnRunStatus): Record<string, unknown> {
  return { ...runBody(run), result: run.result };
}

function offsetOf({ query }: LocalQuestion): number {
  const text = query.get('offset') ?? '0';
  const offset = /^\d{1,15}$/.test(text) ? Number(text) : null;
  if (offset !== null) return offset;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `offset: expected a number of bytes, got "${text.slice(0, 40)}"`,
  );
}

async function logBody(runs: OwnRuns, id: string, offset: number): Promise<Record<string, unknown>> {
  const { bytes, isWhole } = await runs.log(id, offset);
  const shown = isWhole ? bytes : withoutTornEnd(bytes);
  return {
    offset,
    next_offset: offset + shown.length,
    text: Buffer.from(shown).toString('utf8'),
    whole: isWhole,
  };
}

/** A letter whose last bytes are still to come is left for the next time. */
function withoutTornEnd(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
