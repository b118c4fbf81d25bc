/** Whether an event of GitHub is one that a trigger waits for. Pure. */
import { matchesGlob } from '../../../pkg/glob/glob.ts';
import type { GithubSpec } from './github-spec.ts';
import type { ChangedPaths, GithubEvent } from './read-event.ts';

/** Why an event does not count. */
export type GithubRefusal =
  | 'action'
  | 'branch'
  | 'tag'
  | 'deleted'
  | 'forced'
  | 'paths'
  | 'paths_unknown'
  | 'author'
  | 'bot'
  | 'own'
  | 'label'
  | 'fork';

/**
 * Whether a trigger is about this repository and kind of event at all: otherwise nothing is put on record. That a repository
 * was renamed concerns those who wait for either name.
 */
export function isConcerned(spec: GithubSpec, { event, repository }: GithubEvent): boolean {
  if (repository === null || !spec.events.includes(event)) return false;
  const names = [repository.fullName, repository.formerName].filter((name) => name !== null);
  // names of repositories do not tell cases apart
  return listOf(spec.repository).some((one) =>
    names.some((name) => matchesGlob(one.toLowerCase(), name.toLowerCase())),
  );
}

/**
 * Judges everything but the paths.
 * @param isOwn  whether this server's own App did it
 * @returns null when it counts
 */
export function refusalOf(spec: GithubSpec, event: GithubEvent, isOwn: boolean): GithubRefusal | null {
  const { sender, ref } = event;
  if (isOwn) return 'own';
  if (spec.ignoreBots && sender.isBot) return 'bot';
  if (!spec.forks && event.isFork) return 'fork';
  if (spec.actions && !spec.actions.includes(event.action)) return 'action';
  if (!spec.deleted && event.isDeleted && event.event === 'push') return 'deleted';
  if (!spec.forced && event.isForced) return 'forced';
  if (ref?.kind === 'tag' && (spec.tags || event.event === 'push') && !isOneOf(spec.tags ?? [], ref.name))
    return 'tag';
  if (spec.branches && ref?.kind !== 'tag' && !isOneOf(spec.branches, ref?.name)) return 'branch';
  if (spec.tags && !spec.branches && ref?.kind === 'branch') return 'branch';
  if (spec.authors && !isOneOf(spec.authors, sender.login)) return 'author';
  if (spec.labels && !event.labels.some((label) => isOneOf(spec.labels ?? [], label))) return 'label';
  return null;
}

/** Whether the paths of an event are still to be asked for: nobody listed them all, and none that is known matches. */
export function needsPaths(spec: GithubSpec, { paths }: GithubEvent): boolean {
  return spec.paths !== undefined && !paths.isComplete && touches(spec, paths) === 'no';
}

/** Judges the paths. @returns null when it counts */
export function refusalOfPaths(spec: GithubSpec, paths: ChangedPaths): GithubRefusal | null {
  if (spec.paths === undefined) return null;
  const touched = touches(spec, paths);
  if (touched === 'yes') return null;
  if (touched === 'no' && paths.isComplete) return 'paths';
  return spec.unknownPaths === 'run' ? null : 'paths_unknown';
}

/** Most comparisons of characters for one event, about 0.2 s: who pushes decides how many names there are, and how long. */
const maxSteps = 10_000_000;

function touches({ paths = [] }: GithubSpec, { listed }: ChangedPaths): 'yes' | 'no' | 'too many' {
  const globs = listOf(paths).map((glob) => ({ glob, start: /^[^*?]*/.exec(glob)?.[0] ?? '' }));
  let steps = 0;
  for (const path of listed)
    for (const { glob, start } of globs) {
      if (!path.startsWith(start)) continue;
      if (glob === path) return 'yes';
      steps += glob.length * path.length;
      if (steps > maxSteps) return 'too many';
      if (matchesGlob(glob, path)) return 'yes';
    }
  return 'no';
}

function isOneOf(globs: string | readonly string[], value: string | undefined): boolean {
  return value !== undefined && listOf(globs).some((glob) => matchesGlob(glob, value));
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
