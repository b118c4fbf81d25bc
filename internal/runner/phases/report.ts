import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { diffOf } from '../../pool/flow/commit-all.ts';
import { PhaseFault } from '../fault.ts';
import type { RunnerArtifact } from '../runner.ts';
import { nameOutside } from '../task-id.ts';
import { flowCall, maskBytes, type TaskRun } from '../task-run.ts';
import { changesOf } from './changes-of.ts';
import { testFiles } from './run-tests.ts';
import type { Workplace } from './workplace.ts';

/** Largest difference that is kept; bytes. */
const maxDiffBytes = 64 * 1024 * 1024;

/** A file that is to be kept. */
interface Wish {
  readonly type: RunnerArtifact['type'];
  /** absolute */
  readonly file: string;
  /** relative path under which people see it */
  readonly name: string;
  readonly description: string;
}

/**
 * Keeps what was made: difference, transcripts, what tests printed and reported. Also after a failure: then the difference is that of
 * what stands in the work tree.
 * @param place  null: there never was one
 * @throws {PhaseFault} ArtifactUploadError when the store does not take a file; the others are there
 */
export async function report(run: TaskRun, place: Workplace | null): Promise<readonly RunnerArtifact[]> {
  const wishes = [...(await diffWish(run, place)), ...transcriptWishes(run), ...testWishes(run)];
  const made: RunnerArtifact[] = [];
  const refused: string[] = [];
  for (const wish of wishes) {
    try {
      made.push(await keep(run, wish));
    } catch (error) {
      run.signal.throwIfAborted();
      refused.push(`${wish.name}: ${(error as Error).message}`);
    }
  }
  run.journal.state.artifacts = [...made];
  run.journal.save();
  if (refused.length > 0)
    throw new PhaseFault(
      'ArtifactUploadError',
      `${refused.length} files could not be kept: ${refused[0]}`,
      refused,
    );
  return made;
}

/** Puts one file where people and services find it. */
export async function keep(run: TaskRun, { type, file, name, description }: Wish): Promise<RunnerArtifact> {
  const { parts, task } = run;
  // a task that is stopped still hands over what it has
  const uri = await parts.store.upload({
    ...{ taskId: nameOutside(task), type, name, file },
    signal: new AbortController().signal,
  });
  parts.speaker.artifact(file, name, description);
  await parts.registry?.addArtifact(nameOutside(task), type, uri).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    parts.log.warn('an artifact could not be told to the task registry', { error: said, name });
  });
  return { type, name, uri, sizeBytes: statSync(file).size };
}

async function diffWish(run: TaskRun, place: Workplace | null): Promise<readonly Wish[]> {
  const { prepared, committed } = run.journal.state;
  if (place === null || prepared === null) return [];
  const call = { ...flowCall(run, place.tree), signal: new AbortController().signal, maxBytes: maxDiffBytes };
  try {
    const text =
      committed === null
        ? await changesOf(call)
        : await diffOf(call, prepared.targetCommit, committed.commit);
    if (text === '') return [];
    const file = join(run.parts.directory, 'changes.diff');
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, maskBytes(run, Buffer.from(text)), { mode: 0o600 });
    return [{ type: 'diff', file, name: 'changes.diff', description: 'What was changed' }];
  } catch (error) {
    run.parts.log.warn('the difference could not be made', { error });
    return [];
  }
}

function transcriptWishes(run: TaskRun): readonly Wish[] {
  const rounds = Array.from({ length: run.journal.state.rounds }, (_, index) => index + 1);
  return rounds.flatMap((round) => {
    const directory = join(run.parts.directory, `round-${round}`);
    const found = ['transcript.log', 'transcript.jsonl'].find((name) => existsSync(join(directory, name)));
    if (found === undefined) return [];
    const file = join(directory, found);
    const name = found.replace('transcript', `transcript-${round}`);
    return [
      { type: 'transcript' as const, file, name, description: `What the coding agent did, round ${round}` },
    ];
  });
}

function testWishes(run: TaskRun): readonly Wish[] {
  const { directory } = run.parts;
  const log = join(directory, testFiles.log);
  const reported = join(directory, testFiles.report);
  return [
    ...(existsSync(log)
      ? [{ type: 'log' as const, file: log, name: basename(log), description: 'What the tests printed' }]
      : []),
    ...(existsSync(reported)
      ? [
          {
            type: 'test_report' as const,
            file: reported,
            name: basename(reported),
            description: 'Report of the tests',
          },
        ]
      : []),
  ];
}
