/** Verifies the output of one attempt: fetches it, looks into the directory of its run, and lets both be compared. */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { AttemptWire } from '../../../internal/api/client/attempts.ts';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { TaskWire } from '../../../internal/api/shapes.ts';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { type StreamName, streamNames } from '../../../internal/domain/task.ts';
import { baseHolder } from '../../../internal/worker/base-lock.ts';
import { type Download, judgeStream, type StreamFault } from '../../../internal/worker/log-verdict.ts';
import { gatherEvidence, type RunEvidence } from '../../../internal/worker/look-at-run.ts';
import { runDirectory } from '../../../internal/worker/run-record.ts';
import { isAlive } from '../../../pkg/process/process-identity.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';

/** What was found out about one attempt. */
export interface VerifiedAttempt {
  readonly number: number;
  /** as the server has it */
  readonly state: string;
  /** whether nothing is missing; of one that still runs: so far */
  readonly whole: boolean;
  /** null: this machine has none */
  readonly runDirectory: string | null;
  readonly streams: Readonly<Record<StreamName, VerifiedStream>>;
  /** what concerns the attempt and no stream alone; sentences */
  readonly notes: readonly string[];
}

/** What was found out about one stream of it. */
export interface VerifiedStream {
  readonly server: AttemptWire['streams']['stdout'];
  readonly download: Download;
  /** sizes in the run directory; null: this machine has none */
  readonly local: { readonly captured: number | null; readonly acknowledged: number | null } | null;
  readonly faults: readonly StreamFault[];
}

/** Verifies one attempt. @throws {UnavailableError} when the output cannot be fetched to its end */
export async function verifyAttempt(
  context: CommandContext,
  client: ApiClient,
  about: { readonly task: TaskWire; readonly number: number; readonly baseDir: string },
): Promise<VerifiedAttempt> {
  const { task, number, baseDir } = about;
  const name = { taskId: task.id, attempt: number };
  // looked at before the server is asked: what a running agent sends in between is then no gap
  const evidence = gatherEvidence(runDirectory(join(baseDir, 'runs'), task.id, number));
  const all = await client.attempts.list(task.id, { signal: context.signal });
  const attempt = all.find((one) => one.number === number);
  if (attempt === undefined) {
    throw new NotFoundError(
      'KERUTA_ERR_ATTEMPT_NOT_FOUND',
      `attempt ${number} of task ${task.id} was removed`,
    );
  }
  const holder = baseHolder(baseDir);
  const agentRuns = holder !== null && isAlive(holder);
  const verify = async (stream: StreamName): Promise<VerifiedStream> => {
    const counted = attempt.streams[stream];
    const bytes = await client.attempts.output(name, stream, { signal: context.signal });
    const download = await measure(bytes, counted.size);
    return {
      server: counted,
      download,
      local: evidence && {
        captured: evidence.captured[stream],
        acknowledged: evidence.acknowledged[stream],
      },
      faults: judgeStream({ stream, counted, download, evidence, agentRuns }),
    };
  };
  const streams = { stdout: await verify('stdout'), stderr: await verify('stderr') };
  const { notes, isOver } = judgeState(attempt, evidence);
  return {
    number,
    state: attempt.state,
    whole: isOver && streamNames.every((stream) => streams[stream].faults.length === 0),
    runDirectory: evidence?.directory ?? null,
    streams,
    notes,
  };
}

/** Counts bytes as they come, and sums the first `counted` of them. */
async function measure(bytes: AsyncIterable<Uint8Array>, counted: number): Promise<Download> {
  let [size, crc] = [0, 0];
  for await (const chunk of bytes) {
    if (size < counted) crc = crc32(chunk.subarray(0, counted - size), crc);
    size += chunk.length;
  }
  return { size, crc32: size < counted ? null : crc };
}

/** What the state of the attempt says about its output. `isOver` is false where more exists that nobody can see here. */
function judgeState(
  { state, agentId }: AttemptWire,
  evidence: RunEvidence | null,
): { readonly notes: readonly string[]; readonly isOver: boolean } {
  if (state === 'claimed' || state === 'exited') {
    return { notes: ['it is still open: this is how it stands now'], isOver: true };
  }
  if (state === 'finished' || evidence !== null) return { notes: [], isOver: true };
  const who = agentId === '' ? 'its client' : `agent ${agentId}`;
  const note = `it was never closed by ${who}: what was not sent can be seen only where that ran, so it counts as not whole`;
  return { notes: [note], isOver: false };
}

/** The sentences about an attempt, one line each. */
export function attemptText(attempt: VerifiedAttempt): string {
  const lines = streamNames.flatMap((stream) => {
    const { faults, server } = attempt.streams[stream];
    if (faults.length === 0) {
      const size = server.size === 0 ? 'empty' : `${server.size} bytes, checksum right`;
      return [`  ${stream}: ${size}`];
    }
    return faults.map(({ text }) => `  ${stream}: ${text}`);
  });
  const notes = attempt.notes.map((note) => `  ${note}`);
  const place = attempt.runDirectory ?? 'this machine has no directory of it';
  const head = `attempt ${attempt.number} (${attempt.state}): ${attempt.whole ? 'whole' : 'not whole'}; ${place}`;
  return [head, ...lines, ...notes].map((line) => `${visible(line)}\n`).join('');
}
