import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { hasPrivateName } from '../../domain/private-names.ts';
import { runFile } from '../../executor/shim/run-files.ts';

/** What belongs to keruta on this machine. All absolute, and real: no link on the way. */
export interface OwnPlaces {
  /** directories and files with its tokens, settings and state: nothing of them is an artifact */
  readonly state: ReadonlySet<string>;
  /** directories that tasks work in: what they leave there is theirs, also where that is inside of `state` */
  readonly work: ReadonlySet<string>;
}

/** What {@link ownPlaces} is made from; all absolute. */
export interface PlacesSource {
  /** of agents */
  readonly baseDirectories: readonly string[];
  /** what else keruta keeps: data directory, configuration, token files; null: there is none */
  readonly files: readonly (string | null)[];
  /** further directories that tasks work in; null: there is none */
  readonly work: readonly (string | null)[];
}

/** Where in a base directory tasks work: plain directories, clones, slots, and artifacts where the home itself is worked in. */
const workIn = ['work', 'repos', 'pool', 'doc'];
/** Directories of a base directory that hold further ones, for one agent each. */
const nests = ['workers', 'execute'];

/** Finds out where keruta keeps what no artifact is made of. Places that are not there yet count too. */
export function ownPlaces({ baseDirectories, files, work }: PlacesSource): OwnPlaces {
  const bases = baseDirectories.flatMap((base) =>
    nests.includes(basename(dirname(base))) ? [base, dirname(dirname(base))] : [base],
  );
  return {
    state: realOf([...bases, ...files]),
    work: realOf([...bases.flatMap((base) => workIn.map((name) => join(base, name))), ...work]),
  };
}

/**
 * The same for what one run hands over by name: what it made in its own directory is its own, but for what the agent keeps there of it.
 * @param run  its directory; absolute
 */
export function withRun(own: OwnPlaces, run: string): OwnPlaces {
  const kept = ['task.json', runFile.spec, runFile.environment, 'secrets', 'answers'].map((name) =>
    join(run, name),
  );
  return { state: new Set([...own.state, ...realOf(kept)]), work: new Set([...own.work, ...realOf([run])]) };
}

/**
 * Why a file, or a directory with all that is in it, is never an artifact. Of the places that it lies in the innermost decides whose it is.
 * @param path  absolute and real
 * @returns null: it may be one
 */
export function privateFault(path: string, own: OwnPlaces): string | null {
  let place = path;
  while (!own.state.has(place) && !own.work.has(place) && place !== dirname(place)) place = dirname(place);
  if (own.state.has(place)) return 'part of the state of keruta';
  if (!own.work.has(place)) return hasPrivateName(path) ? 'private' : null;
  // the way to a place of work may lead through ours, never through that of credentials
  const isPrivate = hasPrivateName(relative(place, path)) || hasPrivateName(withoutOwn(place));
  return isPrivate ? 'private' : null;
}

const withoutOwn = (path: string) => path.replaceAll(/\/\.keruta(?=\/|$)/gi, '');

function realOf(paths: readonly (string | null)[]): ReadonlySet<string> {
  return new Set(paths.filter((path) => path !== null).map(realPath));
}

/** The real path as far as there is anything. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(resolve(path));
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
