/** The playbooks that commands work with: those of the repository that one stands in, the user's own, and files that are named. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { type ExpandedPlaybook, expandPlaybook } from '../../../internal/playbook/expand-playbook.ts';
import {
  type FoundPlaybook,
  findPlaybooks,
  isPlaybook,
  makeLoader,
  readPlaybookFile,
} from '../../../internal/playbook/find-playbooks.ts';
import { parsePlaybook } from '../../../internal/playbook/parse-playbook.ts';
import type { Playbook } from '../../../internal/playbook/playbook.ts';
import { nearest } from '../../../pkg/text/nearest.ts';
import type { CommandContext } from '../command.ts';
import { placeWith } from './repository-place.ts';

/** Where playbooks of a repository, and of a user's home, are. */
const place = join('.keruta', 'playbooks');

/** Finds all playbooks. One of the repository hides the user's own of the same id. @returns by id */
export function listPlaybooks(context: CommandContext): Promise<readonly FoundPlaybook[]> {
  const top = placeWith(context.cwd, place);
  return findPlaybooks([
    { path: join(top, place), within: top, source: 'repository' },
    ...(context.home === '' ? [] : [{ path: join(context.home, place), within: null, source: 'user' }]),
  ]);
}

/**
 * The file of a playbook.
 * @param named  a file, when it has a slash or the ending of one; else the id of a playbook
 * @throws {NotFoundError} KERUTA_ERR_PLAYBOOK_NOT_FOUND
 */
export async function filePlaybook(context: CommandContext, named: string): Promise<string> {
  if (named.includes('/') || isPlaybook(named)) return named;
  const found = await listPlaybooks(context);
  const one = found.find(({ id }) => id === named);
  if (one !== undefined) return shownFile(context, one.file);
  const ids = found.map(({ id }) => id);
  const meant = nearest(named, ids);
  const hint = meant === null ? 'keruta playbook list shows those that are there' : `did you mean ${meant}?`;
  const file = existsSync(resolve(context.cwd, named)) ? `; for the file, write ./${named}` : '';
  throw new NotFoundError('KERUTA_ERR_PLAYBOOK_NOT_FOUND', `there is no playbook ${named}; ${hint}${file}`);
}

/** A file as it is shown: relative when it is below where one stands. */
export function shownFile(context: CommandContext, file: string): string {
  const below = relative(context.cwd, file);
  return below.startsWith('..') || isAbsolute(below) ? file : below;
}

/** A playbook that was read, with all that it includes. */
export type ReadPlaybook = ExpandedPlaybook & { readonly playbook: Playbook };

/**
 * Reads a playbook and what it includes.
 * @param file  relative to where one stands, or absolute
 * @throws {InputError} KERUTA_ERR_PLAYBOOK with every fault; {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export async function readPlaybook(
  context: CommandContext,
  file: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<ReadPlaybook> {
  const playbook = parsePlaybook(await readPlaybookFile(resolve(context.cwd, file)), { file });
  const expanded = await expandPlaybook(playbook, { load: makeLoader(context.cwd), parameters });
  return { playbook, ...expanded };
}
