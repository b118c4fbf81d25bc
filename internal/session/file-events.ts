/** Files that change where an agent runs: what it watches, and what it saw. */
import { createHash } from 'node:crypto';
import type { FileChange, FileEvent, WatchWire } from '../api/watch-shapes.ts';
import { NotFoundError } from '../domain/errors.ts';
import { type FileSpec, watchOf } from '../trigger/types/file.ts';
import { maySeeSession, visibleSession } from './authorize.ts';
import type { EventWish } from './fire-event.ts';
import type { FiredOne } from './fire-many.ts';
import { fireTogether } from './fire-together.ts';
import type { Caller, SessionParts } from './parts.ts';

/** Names that are kept of files that a task changed itself. */
const maxOwnPaths = 20;

/**
 * What the agent of a session watches: triggers that are switched on. One that is held is watched too, so that what it
 * lets pass is on record.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function watchesOf(
  { store }: Pick<SessionParts, 'store'>,
  { caller, sessionId }: { readonly caller: Caller; readonly sessionId: string },
): Promise<WatchWire[]> {
  const session = await visibleSession(store, caller, sessionId);
  const triggers = (await store.triggers({ type: 'file' })).filter(({ enabled }) => enabled);
  const watches = await Promise.all(
    triggers.map(async (trigger) => {
      const workflow = await store.workflow(trigger.workflowId);
      if (workflow === null || !workflow.enabled || workflow.definition.session !== session.name) return [];
      const { path, ...spec } = watchOf(trigger.definition.spec as FileSpec);
      const watch = { triggerId: trigger.id, workflow: workflow.name, name: trigger.name, path, ...spec };
      return [{ ...watch, events: [...spec.events] }];
    }),
  );
  return watches.flat();
}

/**
 * Fires a trigger by events of files, in their order; the same files in the same state fire once.
 * @returns what became of them, from the first on; shorter when not all could be taken now
 * @throws {NotFoundError} KERUTA_ERR_TRIGGER_NOT_FOUND, also for a trigger of another session or type
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED, KERUTA_ERR_QUEUE_FULL when not even the first could be taken
 */
export async function fireFileEvents(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly triggerId: string; readonly events: readonly FileEvent[] },
): Promise<readonly FiredOne[]> {
  const { caller, triggerId, events } = wish;
  const { store } = parts;
  const trigger = await store.trigger(triggerId);
  const workflow = trigger === null ? null : await store.workflow(trigger.workflowId);
  const session = workflow === null ? null : await store.sessionByName(workflow.definition.session);
  const isSeen = session === null ? caller.sessionId === null : maySeeSession(caller, session.id);
  if (trigger?.type !== 'file' || !isSeen)
    throw new NotFoundError('KERUTA_ERR_TRIGGER_NOT_FOUND', `There is no file trigger ${triggerId}.`);
  const settled = await Promise.allSettled(
    events.map((event) => fireTogether(parts, { ...wishOf(event), triggerId, actor: caller.actor })),
  );
  const fired: FiredOne[] = [];
  for (const one of settled) {
    if (one.status === 'fulfilled') fired.push(one.value);
    // those behind it that were taken are known when they come again
    else if (fired.length > 0) break;
    else throw one.reason;
  }
  return fired;
}

function wishOf({ changes, ownTask }: FileEvent): Omit<EventWish, 'triggerId'> {
  const [first] = changes;
  const paths = changes.map(({ path }) => path);
  const wish: Omit<EventWish, 'triggerId'> = {
    source: 'file',
    key: fileKey(changes),
    kind: changes.length === 1 && first ? first.kind : 'batch',
    data: { changes, paths },
    parameters: parametersOf(changes),
    isHandedInAgain: true,
  };
  if (ownTask === undefined) return wish;
  const details = { taskId: ownTask, files: paths.length, paths: paths.slice(0, maxOwnPaths) };
  return { ...wish, key: `own:${wish.key}`, isFiltered: true, filteredBy: 'self_caused', details };
}

/** Names the state that files are in: path, inode, time and size of each, in any order. */
export function fileKey(changes: readonly FileChange[]): string {
  const states = changes.map(({ kind, path, inode, mtimeNs, size }) =>
    JSON.stringify([kind === 'delete', path, inode, mtimeNs, size]),
  );
  return `file:${createHash('sha256').update(states.toSorted().join('\n')).digest('hex')}`;
}

/** Paths are data: a task gets them as parameters, never as part of its script. */
function parametersOf(changes: readonly FileChange[]): Readonly<Record<string, unknown>> {
  const [first] = changes;
  if (changes.length !== 1 || first === undefined) return { file_paths: changes.map(({ path }) => path) };
  const from = first.renamedFrom === undefined ? {} : { renamed_from: first.renamedFrom };
  return { file_path: first.path, file_event: first.kind, ...from };
}
