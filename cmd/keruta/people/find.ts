/** Finds the session or task that a person means: by id, by the beginning of an id, by name. */
import type { ApiClient } from '../../../internal/api/client/client.ts';
import { resolveSession } from '../../../internal/api/discovery.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import type { CommandContext } from '../command.ts';

/** The session that is meant when none is named anywhere. */
export const defaultSessionName = 'default';

/** Fewest characters of an id that stand for it. */
const leastPrefix = 4;

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Finds a session.
 *
 * @param named  what was written; undefined: the one of the settings, else the session `default`
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND, also when several are meant: the message lists them
 */
export async function findSession(
  context: CommandContext,
  client: ApiClient,
  named: string | undefined,
): Promise<SessionWire> {
  const { values } = await context.settings();
  const wanted = named ?? values.sessionId ?? defaultSessionName;
  return resolveSession(client, { sessionId: wanted }, context.signal);
}

/**
 * Finds a task.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND; {InputError} KERUTA_ERR_BAD_VALUE when several are meant
 */
export async function findTask(
  context: CommandContext,
  client: ApiClient,
  wanted: string,
): Promise<TaskWire> {
  const options = { signal: context.signal };
  if (uuid.test(wanted)) return client.tasks.get(wanted, options);
  if (!/^[0-9a-f-]+$/i.test(wanted) || wanted.length < leastPrefix) throw missing(wanted);
  const all = await client.tasks.list(options);
  const found = all.filter((task) => task.id.startsWith(wanted.toLowerCase()));
  const [one, another] = found;
  if (!one) throw missing(wanted);
  if (!another) return one;
  const list = found.slice(0, 5).map((each) => `${each.id} (${each.name})`);
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `${found.length} tasks begin with "${wanted}": ${list.join(', ')}; write more of the id`,
  );
}

function missing(wanted: string): NotFoundError {
  return new NotFoundError(
    'KERUTA_ERR_TASK_NOT_FOUND',
    `there is no task "${wanted}" (expected an id, or at least 4 characters of one); see: keruta task list`,
  );
}
