import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import {
  DeniedError,
  KerutaError,
  NotFoundError,
  UnavailableError,
} from '../../../../internal/domain/errors.ts';
import type { ApiAccess } from '../../client.ts';
import { apiOf } from './api-access.ts';
import { type CheckParts, type Finding, fail, ok, settingsCheck, skipped, warn } from './check.ts';

const makeOne =
  'make one where the server runs: keruta token create --scope session --session ID; then set KERUTA_API_TOKEN_FILE';

/** Whether the API takes the token, what it may do, and whether others can read it. */
export const tokenCheck = settingsCheck('token', look);

async function look(parts: CheckParts, settings: LoadedSettings): Promise<Finding> {
  const { findAccess } = await import('../../client.ts');
  let access: ApiAccess;
  try {
    access = findAccess(settings);
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return fail(error.message, 'write the token into that file (mode 0600), or name another one');
  }
  const { place, file } = placeOf(settings);
  if (access.token === null) return fail(`no token for ${access.url} is known`, makeOne);
  try {
    const scope = await scopeOf(parts, settings, access);
    const readers = file === null ? null : await readersOf(file);
    if (readers !== null) {
      return warn(`${readers} can read the token in ${file}`, `chmod 600 ${file}, and make a new token`);
    }
    return judge(parts, scope, place);
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof NotFoundError) {
      return skipped('the API does not answer, see api');
    }
    if (!(error instanceof KerutaError)) throw error;
    return fail(`the token of ${place}: ${error.message}`, makeOne);
  }
}

/**
 * Asks for what only an admin token may see; the refusal names the scope.
 * @returns null when the server does not tell
 */
async function scopeOf(
  parts: CheckParts,
  settings: LoadedSettings,
  access: ApiAccess,
): Promise<string | null> {
  const client = apiOf(parts, settings, access);
  try {
    await client.tokens.list({ signal: parts.signal });
    return 'admin';
  } catch (error) {
    if (error instanceof DeniedError && typeof error.details.scope === 'string') return error.details.scope;
    if (!(error instanceof NotFoundError)) throw error;
  }
  await client.sessions.list({ signal: parts.signal });
  return null;
}

function judge({ context }: CheckParts, scope: string | null, place: string): Finding {
  if (scope === null) return ok(`${place}: valid; this server does not tell its scope`);
  const inRun = Boolean(context.env.KERUTA_RUN_ID);
  if (scope === 'admin' || scope === 'session' || (scope === 'task' && inRun)) {
    return ok(`${place}: valid, scope ${scope}`);
  }
  return warn(`${place}: valid, but of scope ${scope}: an agent cannot take tasks with it`, makeOne);
}

/** Where the token comes from, and the file that holds it. */
function placeOf({ values, origins }: LoadedSettings): {
  readonly place: string;
  readonly file: string | null;
} {
  const { from, name } = origins.apiToken;
  if (values.apiToken !== null)
    return { place: name, file: from === 'file' ? name.replace(/:\d+$/, '') : null };
  const file = values.apiTokenFile ?? join(values.dataDir, 'admin.token');
  return { place: file, file };
}

async function readersOf(file: string): Promise<string | null> {
  const mode = await stat(file).then(
    (found) => found.mode,
    () => 0,
  );
  if ((mode & 0o004) !== 0) return 'everybody on this machine';
  return (mode & 0o040) !== 0 ? 'the group of the file' : null;
}
