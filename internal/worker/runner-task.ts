/** What a task of kind `playbook` or `agent` needs beside a script: its context in a file, and variables for the runner. */
import { join } from 'node:path';
import { writeJsonFile } from '../../pkg/files/json-file.ts';
import type { CheckoutAnswer } from '../api/protocol.ts';
import { formatDuration } from '../domain/duration.ts';
import { lentTokenVariable } from '../pool/flow/git-token.ts';
import type { AgentOptions } from './agent-options.ts';
import type { RunRecord } from './run-record.ts';
import { gitTimeoutOf } from './workplace.ts';

/**
 * Writes the context of a task into `<run>/context.json` (0600).
 * @param told  what the server wants to have checked out; null: what the session says
 * @returns variables of the runner; none for a script
 */
export function runnerVariables(
  options: Pick<AgentOptions, 'baseDirectory' | 'allowLocalGit' | 'gitTimeoutMs' | 'runnerConfig'>,
  { record, directory }: { readonly record: RunRecord; readonly directory: string },
  told: CheckoutAnswer['checkout'],
): Record<string, string> {
  if (record.task.kind === 'script') return {};
  const file = join(directory, 'context.json');
  writeJsonFile(file, contextOf(record, told), { isPlain: true });
  const { baseDirectory, allowLocalGit, runnerConfig } = options;
  return {
    KERUTA_CONTEXT_FILE: file,
    KERUTA_BASE_DIR: baseDirectory,
    KERUTA_GIT_TIMEOUT: formatDuration(gitTimeoutOf(options, record.session)),
    ...(allowLocalGit ? { KERUTA_ALLOW_LOCAL_GIT: 'true' } : {}),
    ...(runnerConfig === null ? {} : { KERUTA_RUNNER_CONFIG: runnerConfig }),
    ...(told?.credentials ? { [lentTokenVariable]: told.credentials.password } : {}),
  };
}

function contextOf(record: RunRecord, told: CheckoutAnswer['checkout']): Record<string, unknown> {
  const { task, session, story = [], dependencies = [] } = record;
  const { kind, context, id, sessionId, parameters } = task;
  // `main` is what a session has when nobody chose
  const isChosen = task.ref !== null || session.repositoryRef !== 'main';
  const { autoFix, ...own } = parameters;
  return {
    ...{ kind, id, sessionId, ...context },
    repositoryUrl:
      told?.repositoryUrl ?? session.repositoryUrl ?? session.templateConfig?.repositoryUrl ?? null,
    ref: isChosen ? (task.ref ?? session.repositoryRef) : null,
    ...{ story, dependencies, parentIds: story.map((parent) => parent.id) },
    parameters: own,
    ...(isFailure(autoFix) ? { failure: failureOf(autoFix) } : {}),
  };
}

interface FixParameters {
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly bundle?: unknown;
}

/** What the server says in the parameters of a fix task. */
function isFailure(value: unknown): value is FixParameters {
  const found = value as Partial<FixParameters> | null | undefined;
  return typeof found?.errorCode === 'string' && typeof found.errorMessage === 'string';
}

function failureOf({ errorCode, errorMessage, bundle }: FixParameters) {
  return { errorCode: errorCode === '' ? 'unknown' : errorCode, errorMessage, bundle: bundle ?? null };
}
