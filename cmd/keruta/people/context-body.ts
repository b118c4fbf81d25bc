/** A task that says what is wanted instead of what to run, as `task add` and `run` take it from a file. */
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { NewTaskBody } from '../../../internal/api/requests.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import type { CommandContext } from '../command.ts';
import { readRunnerInput } from '../runner/read-input.ts';

/** What the file says. */
export interface ContextWish {
  readonly body: Pick<NewTaskBody, 'kind' | 'context' | 'ref' | 'parameters'> & { readonly name: string };
  /** as the file names them: ids, names, or what they are called where they were written down */
  readonly dependencies: readonly string[];
  /** null: that of the session */
  readonly repositoryUrl: string | null;
}

/**
 * Reads a file.
 * @param kind  as the command line says; default: what the file says
 * @throws {InputError} KERUTA_ERR_TASK_CONTEXT; {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export async function readContextWish(
  context: CommandContext,
  file: string,
  kind: string | undefined,
): Promise<ContextWish> {
  const read = await readRunnerInput(context, file, 'KERUTA_ERR_TASK_CONTEXT');
  const task = readRunnerTask({ ...read, hasRepository: true });
  const { acceptanceCriteria, focus, ...rest } = task.context;
  return {
    body: {
      kind: (kind as NewTaskBody['kind']) ?? task.kind,
      name: task.context.title,
      context: { ...rest, acceptanceCriteria: [...acceptanceCriteria], focus: [...focus] },
      ref: task.ref,
      parameters: task.parameters,
    },
    dependencies: task.dependencies,
    repositoryUrl: task.repositoryUrl,
  };
}

/** @throws {InputError} KERUTA_ERR_TASK_CONTEXT when the file names another repository than the session has */
export function checkRepository({ repositoryUrl }: ContextWish, session: SessionWire): void {
  const own = session.repositoryUrl ?? session.templateConfig?.repositoryUrl ?? null;
  if (repositoryUrl === null || repositoryUrl === own) return;
  throw new InputError(
    'KERUTA_ERR_TASK_CONTEXT',
    `the file names the repository ${repositoryUrl}, and session ${session.name} has ${own ?? 'none'}; expected the same. ` +
      'Leave it out, or create a session with that repository',
  );
}

/**
 * Finds the tasks of a session that a file calls dependencies.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, {InputError} KERUTA_ERR_TASK_CONTEXT when several are called so
 */
export async function findDependencies(
  { signal }: CommandContext,
  client: ApiClient,
  { dependencies, session }: { readonly dependencies: readonly string[]; readonly session: SessionWire },
): Promise<string[]> {
  if (dependencies.length === 0) return [];
  const tasks = await client.sessions.tasks(session.id, undefined, { signal });
  return dependencies.map((named) => oneOf(tasks, named, session));
}

function oneOf(tasks: readonly TaskWire[], named: string, session: SessionWire): string {
  const isCalled = (task: TaskWire) =>
    task.id === named ||
    task.context?.taskId === named ||
    task.name === named ||
    task.context?.title === named;
  const found = tasks.filter(isCalled);
  if (found.length === 1 && found[0] !== undefined) return found[0].id;
  if (found.length === 0)
    throw new NotFoundError(
      'KERUTA_ERR_TASK_NOT_FOUND',
      `dependencies: session ${session.name} has no task ${named}; add that one first, or name it by its id`,
    );
  throw new InputError(
    'KERUTA_ERR_TASK_CONTEXT',
    `dependencies: ${found.length} tasks of session ${session.name} are called ${named}; name the one by its id`,
  );
}
