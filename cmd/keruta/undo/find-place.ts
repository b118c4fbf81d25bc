/** Finds where a task ran on this machine: by what it left in checkouts and in mirrors of the pool. Asks no server. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { inRef, taskRefs } from '../../../internal/domain/git-names.ts';
import { readReceipt, readRecord } from '../../../internal/worker/run-record.ts';
import { namesIn, realOf } from '../../../pkg/files/names-in.ts';
import { bareGit } from '../../../pkg/git/bare-mirror.ts';
import type { Git } from '../../../pkg/git/git.ts';

/** Where to look. */
export interface PlaceWish {
  readonly git: Git;
  /** as it was written: an id, or its beginning */
  readonly task: string;
  /** the only checkout to look in; absolute; null: everywhere */
  readonly only: string | null;
  readonly cwd: string;
  /** base directory of the agents */
  readonly base: string;
  /** where agents clone */
  readonly repositories: string;
  /** of the settings; null = none */
  readonly workingDirectory: string | null;
}

/** Where a task ran. */
export interface FoundPlace {
  readonly kind: 'checkout' | 'mirror';
  /** root of the work tree, or the mirror; absolute */
  readonly directory: string;
  /** as refs name it: for ids of servers the id itself */
  readonly taskId: string;
}

/** Fewest characters of an id that stand for it. */
const leastPrefix = 4;
const gitMs = 20_000;

/**
 * Finds the place of a task.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND: nobody here knows it; KERUTA_ERR_NOT_RECORDED: it ran here, and nothing is
 *   recorded; {InputError} KERUTA_ERR_BAD_VALUE when several are meant, KERUTA_ERR_USAGE for no git repository
 */
export async function findUndoPlace(wish: PlaceWish): Promise<FoundPlace> {
  const named = inRef(wish.task);
  if (named.length < leastPrefix)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `task: expected an id, or at least ${leastPrefix} characters of one, got "${wish.task}"`,
    );
  const known = knownRuns(wish.base, wish.task);
  const places = placesOf(wish, known);
  const found: FoundPlace[] = [];
  for (const place of places)
    for (const taskId of await tasksIn(wish.git, place, named)) found.push({ ...place, taskId });
  const ids = [...new Set(found.map(({ taskId }) => taskId))];
  if (ids.length > 1)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `${ids.length} tasks begin with "${wish.task}": ${ids.slice(0, 5).join(', ')}; write more of the id`,
    );
  const [first, second] = found;
  if (first === undefined) throw nowhere(wish, known, places);
  if (second === undefined || second.kind === 'mirror') return first;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `task ${first.taskId} is recorded in ${first.directory} and in ${second.directory}; say which one is meant: --in ${first.directory}`,
  );
}

interface KnownRun {
  readonly taskId: string;
  /** null: it ran nowhere, or that is not known */
  readonly directory: string | null;
}

/** What run directories of this machine tell of a task. */
function knownRuns(base: string, task: string): readonly KnownRun[] {
  const runs = join(base, 'runs');
  return namesIn(runs)
    .filter((name) => name.startsWith(task))
    .map((name) => {
      const directory = join(runs, name);
      const place = readReceipt(directory)?.place ?? readRecord(directory)?.started ?? null;
      return { taskId: name.replace(/\.\d+$/, ''), directory: place?.workingDirectory ?? null };
    });
}

function placesOf(wish: PlaceWish, known: readonly KnownRun[]): readonly Omit<FoundPlace, 'taskId'>[] {
  if (wish.only !== null)
    return [{ kind: 'checkout', directory: checkoutOf(wish.only) ?? refuse(wish.only) }];
  const near = checkoutOf(wish.cwd);
  const checkouts = [
    ...known.flatMap(({ directory }) => (directory === null ? [] : [directory])),
    ...(near === null ? [] : [near]),
    ...(wish.workingDirectory === null ? [] : [wish.workingDirectory]),
    ...namesIn(wish.repositories).map((name) => join(wish.repositories, name)),
  ].filter((directory) => existsSync(join(directory, '.git')));
  const mirrors = namesIn(join(wish.base, 'pool'))
    .map((name) => join(wish.base, 'pool', name, 'mirror.git'))
    .filter((directory) => existsSync(join(directory, 'HEAD')));
  return [
    ...[...new Set(checkouts.map(realOf))].map((directory) => ({ kind: 'checkout' as const, directory })),
    ...mirrors.map((directory) => ({ kind: 'mirror' as const, directory })),
  ];
}

function refuse(directory: string): never {
  throw new InputError(
    'KERUTA_ERR_USAGE',
    `--in: ${directory} is in no git repository; expected the checkout in which the task ran`,
  );
}

/** The root of the work tree that a directory is in; null: in none. */
function checkoutOf(directory: string): string | null {
  for (let place = resolve(directory); ; place = dirname(place)) {
    if (existsSync(join(place, '.git'))) return place;
    if (dirname(place) === place) return null;
  }
}

async function tasksIn(
  git: Git,
  { kind, directory }: Omit<FoundPlace, 'taskId'>,
  named: string,
): Promise<readonly string[]> {
  const there = kind === 'mirror' ? bareGit(git, directory) : git;
  const pattern = `${taskRefs}${named}*/before`;
  const args = ['for-each-ref', '--count=20', '--format=%(refname)', pattern];
  const { stdout, exitCode } = await there.local({ directory, timeoutMs: gitMs, args, okExits: [0, 128] });
  if (exitCode !== 0) return [];
  const ids = stdout
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [line.slice(taskRefs.length).split('/')[0] ?? '']));
  return ids.includes(named) ? [named] : ids;
}

function nowhere(
  wish: PlaceWish,
  known: readonly KnownRun[],
  places: readonly Omit<FoundPlace, 'taskId'>[],
): NotFoundError {
  const [run] = known;
  if (run === undefined) {
    const looked = places.length === 0 ? 'there is no checkout here' : `looked in ${listed(places)}`;
    return new NotFoundError(
      'KERUTA_ERR_TASK_NOT_FOUND',
      `nothing of task "${wish.task}" is recorded here (${looked}). ` +
        'It may have run in another workspace or for another KERUTA_BASE_DIR: say it there, or name the checkout with --in DIR',
    );
  }
  const { directory, taskId } = run;
  const missing = (why: string) => new NotFoundError('KERUTA_ERR_NOT_RECORDED', `task ${taskId} ${why}`);
  if (directory === null) return missing('ran nowhere: there is nothing to undo');
  if (wish.only !== null) return missing(`ran in ${directory}, not in ${wish.only}`);
  if (!existsSync(join(directory, '.git')))
    return missing(`ran in ${directory}, which is no git repository: what it held before was not recorded`);
  return missing(
    `ran in ${directory}; what that held before is not recorded, or not any more: only the newest tasks of a checkout are`,
  );
}

function listed(places: readonly { readonly directory: string }[]): string {
  const shown = places.slice(0, 5).map(({ directory }) => directory);
  return `${shown.join(', ')}${places.length > 5 ? ` and ${places.length - 5} more` : ''}`;
}
