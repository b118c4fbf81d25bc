import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { readJsonFile } from '../../pkg/files/json-file.ts';
import { keepHeapSmall } from '../../pkg/process/small-heap.ts';
import { KerutaError } from '../domain/errors.ts';
import type { AgentOptions } from './agent-options.ts';
import { defaultDescription } from './artifacts/describe.ts';
import { type OwnPlaces, ownPlaces, withRun } from './artifacts/own-places.ts';
import { type ArtifactFile, type ArtifactSnapshot, scanArtifacts } from './artifacts/scan.ts';
import type { BegunRun } from './begin-run.ts';
import type { AddedArtifact } from './cursor.ts';
import type { Masking } from './masking.ts';
import { isGone, messageOf } from './retry.ts';
import type { StartedRun } from './run-record.ts';
import type { Scene } from './scene.ts';
import { type SentArtifact, sendArtifact } from './send-artifact.ts';
import type { TaskParts } from './task-parts.ts';

/** Limits of one task's artifacts, beside the size of a single one. */
const limits = { maxCount: 10_000, maxTotalBytes: 1024 * 1024 * 1024 };
/** How many files are sent at the same time. */
const lanes = 4;
/** From so many files on, what their requests leave behind would let the heap grow past what an agent may have. */
const manyFiles = 200;
/** How many skipped files are named one by one in the task's log. */
const maxNotes = 50;
/** `<run>/artifacts.json`: how the artifacts directories were before the run. */
export const snapshotFile = 'artifacts.json';

/** What an agent keeps to itself, and where its tasks work. */
export function placesOf(
  options: AgentOptions,
  started: Pick<StartedRun, 'workingDirectory' | 'artifactsDirectories'>,
): OwnPlaces {
  const { baseDirectory, repositoriesDirectory, workingDirectory, artifacts, ownFiles = [] } = options;
  return ownPlaces({
    baseDirectories: [baseDirectory],
    files: ownFiles,
    work: [
      ...[repositoriesDirectory, workingDirectory, artifacts.directory, ...artifacts.extraDirectories],
      // an agent before this one may have had other options
      ...[started.workingDirectory, ...started.artifactsDirectories],
    ],
  });
}

/** A file and what is said about it. */
interface Wanted {
  readonly file: ArtifactFile;
  readonly description: string;
}

/**
 * Sends what a run left: files that are new or changed in the artifacts directories, and those that the script added.
 * However the run ended. What is skipped is noted in the task's log with the reason.
 *
 * @returns what is on the server now
 * @throws when the attempt is gone; the reason of `scene.life`
 */
export async function collect(
  parts: TaskParts,
  scene: Scene,
  { started }: BegunRun,
): Promise<readonly SentArtifact[]> {
  const { state } = scene.cursor;
  const maxBytes = parts.options.artifacts.maxFileBytes;
  const named = state.artifactsDir === null ? [] : [resolve(started.workingDirectory, state.artifactsDir)];
  const own = placesOf(parts.options, started);
  const scan = await scanArtifacts({
    directories: [...started.artifactsDirectories, ...named],
    own,
    previous: readJsonFile(join(scene.directory, snapshotFile)) as ArtifactSnapshot | null,
    maxBytes,
    ...limits,
  });
  const { masking } = scene;
  const wanted: Wanted[] = scan.files.map((file) => ({ file, description: '' }));
  const notes = scan.skipped.map(({ path, reason }) => `${path}: ${reason}`);
  for (const added of state.added) {
    const file = await addedFile({ run: scene.directory, own, maxBytes }, added);
    if (typeof file === 'string') notes.push(`${added.name}: ${file}`);
    else wanted.push({ file, description: masking.text(added.description) });
  }
  const sent = await sendAll(parts, scene, { wanted: maskNames(wanted, masking), notes });
  for (const note of notes.slice(0, maxNotes)) scene.note('WARN', `An artifact was skipped: ${note}`);
  const more = Math.max(0, notes.length - maxNotes) + scan.skippedCount - scan.skipped.length;
  if (more > 0) scene.note('WARN', `${more} more artifacts were skipped.`);
  return sent;
}

/** A name must not tell a secret either. Names that become one by it get a number. */
function maskNames(wanted: readonly Wanted[], masking: Masking): readonly Wanted[] {
  const taken = new Set(wanted.map(({ file }) => file.path));
  return wanted.map((one) => {
    const masked = masking.text(one.file.path);
    if (masked === one.file.path) return one;
    let path = masked;
    for (let number = 2; taken.has(path); number++) path = `${masked}.${number}`;
    taken.add(path);
    return { ...one, file: { ...one.file, path } };
  });
}

/** Finds the copy that `artifact add` made inside the run directory; why it is not taken, when it is not. */
async function addedFile(
  { run, own, maxBytes }: { readonly run: string; readonly own: OwnPlaces; readonly maxBytes: number },
  added: AddedArtifact,
): Promise<ArtifactFile | string> {
  const directory = dirname(resolve(run, added.file));
  try {
    if (!`${realpathSync(directory)}${sep}`.startsWith(`${realpathSync(run)}${sep}`)) {
      return 'it is not in the directory of the run';
    }
  } catch {
    return 'it is no longer there';
  }
  const name = basename(added.file);
  const { files, skipped } = await scanArtifacts({
    directories: [directory],
    own: withRun(own, run),
    only: name,
    previous: null,
    maxBytes,
    ...limits,
  });
  const [file] = files;
  if (!file) return skipped[0]?.reason ?? 'it is no longer there';
  const path = added.name === '' ? name : added.name;
  return { ...file, path };
}

async function sendAll(
  parts: TaskParts,
  scene: Scene,
  { wanted, notes }: { readonly wanted: readonly Wanted[]; readonly notes: string[] },
): Promise<readonly SentArtifact[]> {
  const queue = [...wanted];
  const sent: SentArtifact[] = [];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        const description = next.description || defaultDescription(next.file.path);
        sent.push(await sendArtifact(parts, scene, { file: next.file, description }));
      } catch (error) {
        scene.life.throwIfAborted();
        if (isGone(error)) scene.fail(error);
        if (!(error instanceof KerutaError) || isGone(error)) throw error;
        notes.push(`${next.file.path}: ${messageOf(error)}`);
      }
    }
  };
  const giveBack = wanted.length < manyFiles ? () => {} : keepHeapSmall();
  try {
    await Promise.all(Array.from({ length: Math.min(lanes, wanted.length) }, work));
  } finally {
    giveBack();
  }
  return sent;
}
