import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareGit } from '../../pkg/git/bare-mirror.ts';
import { isAlive } from '../../pkg/process/process-identity.ts';
import { keptRef, keptRefs } from './keep.ts';
import { placeNamed, type RepositoryPlace } from './places.ts';
import type { Kept, PoolListing, SlotStatus } from './pool.ts';
import { isAbandoned } from './slot-record.ts';
import { type FoundSlot, slotsOf } from './take-slot.ts';
import { limitsOf, type Work } from './work.ts';

/** Lists every slot of the pool, and what was kept. Takes no lock. */
export async function listPool(work: Work): Promise<PoolListing> {
  const { directory, clock } = work.parts;
  const entries = await readdir(directory, { withFileTypes: true }).catch(ifMissing);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const repositories = names.sort().map((name) => placeNamed(directory, name));
  const now = clock.now();
  const kept = await Promise.all(repositories.map((repository) => keptIn(work, repository)));
  return {
    slots: repositories.flatMap((repository) => slotsOf(repository).map((slot) => statusOf(slot, now))),
    kept: kept.flat(),
  };
}

function statusOf({ place, record }: FoundSlot, now: number): SlotStatus {
  const isFree = record.state === 'free';
  const { holder } = record;
  return {
    id: place.id,
    path: place.path,
    repositoryUrl: record.repositoryUrl,
    state: isFree
      ? 'free'
      : isAbandoned(record, now)
        ? 'abandoned'
        : record.state === 'leased'
          ? 'leased'
          : 'busy',
    requiredBy: record.requiredBy,
    pid: holder !== null && isAlive(holder) ? holder.pid : null,
    leaseUntil: isFree ? null : record.leaseUntil,
    commit: record.base,
  };
}

async function keptIn(work: Work, repository: RepositoryPlace): Promise<readonly Kept[]> {
  return [...(await keptByRefs(work, repository)), ...(await keptDirectories(repository))];
}

async function keptByRefs(work: Work, repository: RepositoryPlace): Promise<readonly Kept[]> {
  const { mirror } = repository;
  if (!existsSync(join(mirror, 'HEAD'))) return [];
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', keptRefs];
  const call = { ...limitsOf(work), directory: mirror, args };
  const { stdout } = await bareGit(work.parts.git, mirror).local(call);
  return stdout.split('\n').flatMap((line) => {
    const [commit = '', ref = ''] = line.split(' ');
    if (ref === '') return [];
    return [keptRef({ id: slotId(repository, ref.slice(keptRefs.length)), repository }, ref, commit)];
  });
}

async function keptDirectories(repository: RepositoryPlace): Promise<readonly Kept[]> {
  const names = await readdir(repository.kept).catch(() => []);
  return names.sort().map((name) => ({
    slotId: slotId(repository, name),
    ref: null,
    commit: null,
    path: join(repository.kept, name),
    what: name.startsWith('slot-') ? 'a work tree' : 'a damaged mirror',
  }));
}

/** The slot that is named at the beginning of what was kept of it. */
function slotId(repository: RepositoryPlace, name: string): string {
  const number = /^slot-(\d+)-/.exec(name)?.[1];
  return number === undefined ? repository.name : `${repository.name}-${number}`;
}

function ifMissing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
