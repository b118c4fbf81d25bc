/**
 * Where the agent's work comes from and where its reports go, whatever the server can do. Two adapters: `claimingSource`
 * for servers that advertise `claim`, `plainSource` for older ones (poll, status updates, one post per log line).
 *
 * Laws, kept by both:
 *   1. A task is handed out by `claimNext` once; it is running on the server when it is handed out.
 *   2. A method that fails with an error for which `isRetryable` holds may be called again with the same arguments.
 *   3. Bytes go on at the offset the source names; a wrong offset is ConflictError KERUTA_ERR_OFFSET_MISMATCH whose
 *      `details.offset` is the right one. After a failed `patchStream`, ask `headStream` or just try and read that error.
 *   4. A write of an attempt that was replaced is ConflictError KERUTA_ERR_ATTEMPT_SUPERSEDED: stop, report nothing more.
 *   5. No method retries by itself, and none waits longer than `waitMs` plus the client's time limit.
 */
import type { Declared } from '../domain/outcome.ts';
import type { StreamName } from '../domain/task.ts';
import type {
  abilities,
  CheckoutAnswer,
  ControlMessage,
  ExitedRequest,
  FinishAnswer,
  FinishRequest,
  RenewAnswer,
} from './protocol.ts';
import type { SessionWire, TaskWire } from './shapes.ts';

/** Something a server can do beyond the plain protocol. */
export type Ability = (typeof abilities)[number];

/** The agent's side of the queue. */
export interface TaskSource {
  /** what the server can do; empty for a plain server */
  readonly abilities: ReadonlySet<Ability>;

  /**
   * Takes the next task: highest priority first, then oldest. The source paces itself: call it again at once after
   * `null`; it waits up to `waitMs` (a plain server is polled at its interval, counted from the poll before).
   *
   * @param request.waitMs  how long it may wait for a task; 0-10000, 0 = answer at once
   * @param request.claimId written down by the caller before the call, it gives the same attempt again after a crash.
   *                        Default: one of the source's own, kept until an answer came. Without effect on a plain server
   * @returns the task; null when there was none within the wait; `{ ended }` when the session takes no more tasks
   */
  claimNext(
    request: { readonly waitMs: number; readonly claimId?: string },
    signal: AbortSignal,
  ): Promise<ClaimedTask | SessionEnded | null>;

  /**
   * Says how the disk of the agent is; absent: there is nobody who would want to know.
   * @param disk.floorBytes  below it no task is taken
   */
  tellDisk?(disk: DiskReport, signal: AbortSignal): Promise<void>;

  /** Speaks for one attempt: after a claim, or after a restart of the agent for a run that it found. No call is made. */
  reporter(attempt: AttemptRef): AttemptReporter;
}

/** How the disk of an agent is. */
export interface DiskReport {
  readonly state: 'ok' | 'low' | 'no_files' | 'read_only' | 'unknown';
  /** null = not known */
  readonly freeBytes: number | null;
  readonly floorBytes: number;
}

/** A task that is ours now. Tell it from {@link SessionEnded} by `'ended' in claim`. */
export interface ClaimedTask {
  /** its `script` is there in every dialect */
  readonly task: TaskWire;
  /** number of the attempt; 1 on a plain server */
  readonly attempt: number;
  /** why there is this attempt: `first`, `retry`, … */
  readonly reason: string;
  /** how long the claim holds without renewal; ms; null = for ever (plain server) */
  readonly leaseMs: number | null;
  /** bearer token for the run itself; null = the run gets the agent's own or none */
  readonly token: string | null;
  /** the session as it is now */
  readonly session: SessionWire;
  /** variables that the server wants in the run's environment; mostly empty */
  readonly environment: Readonly<Record<string, string>>;
  /** whether `checkout` of its reporter has something to say; default no */
  readonly asksForCheckout?: boolean;
  /** of a task that is no script: those that it came from, the nearest last */
  readonly story?: readonly { readonly id: string; readonly title: string; readonly description: string }[];
  /** of such a task: names of those that were done before it */
  readonly dependencies?: readonly string[];
}

/** The session has ended; `ended` is its status (`COMPLETED`, `ARCHIVED`, `TERMINATED`). */
export interface SessionEnded {
  readonly ended: string;
  readonly session: SessionWire;
}

/** Which attempt a reporter speaks for; everything that is needed after a restart. */
export interface AttemptRef {
  readonly taskId: string;
  readonly attempt: number;
  /**
   * how far each stream was acknowledged (`durableOffset`, from the cursor file); default 0. A plain server does not
   * know, so there this is the truth; a claiming server is asked instead
   */
  readonly acknowledged?: Readonly<Record<StreamName, number>>;
}

/** Where a stream stands. */
export interface StreamPosition {
  /** where the next bytes go */
  readonly offset: number;
  /** what to write down: from here on the bytes are needed again after a restart. Behind `offset` by the unfinished line
   * that a plain server has not got yet; equal to it on a claiming one */
  readonly durableOffset: number;
}

/** An answer to a renewal; `leaseMs` null = the claim holds for ever (plain server). */
export type Renewal = Omit<RenewAnswer, 'leaseMs'> & { readonly leaseMs: number | null };

/** The last word about an attempt. */
export type FinishReport = FinishRequest & {
  /** what the script said of itself, also sent as a message before; a plain server gets the judged status from it */
  readonly declared: Declared | null;
};

/** A file that a run left. */
export interface ArtifactSource {
  /** relative to the artifacts directory, with `/` */
  readonly path: string;
  /** bytes */
  readonly size: number;
  /** lower-case hex */
  readonly sha256: string;
  readonly contentType: string;
  readonly description: string;
  /** whether the file changed while it was read */
  readonly unstable: boolean;
  /**
   * Opens the bytes from `offset` to the end; called again when the upload is repeated or resumed. A piece of them is good
   * until the next one is asked for.
   */
  open(offset: number): AsyncIterable<Uint8Array>;
}

/** Speaks for one attempt of one task. Methods may be called concurrently, except `patchStream` on one stream. */
export interface AttemptReporter {
  readonly taskId: string;
  readonly attempt: number;
  readonly abilities: ReadonlySet<Ability>;

  /**
   * Holds the claim, and hears what there is to hear: cancellation, answers, limits. Waits up to `waitMs` for news.
   * An answer is repeated until its id is named in `deliveredInputs`. A plain server is asked at its poll interval only.
   */
  renew(
    request: { readonly waitMs: number; readonly deliveredInputs: readonly string[] },
    signal: AbortSignal,
  ): Promise<Renewal>;

  /**
   * Sends control messages in order. @returns the highest number that is applied. A message that a plain server cannot
   * express is passed over.
   */
  sendMessages(messages: readonly ControlMessage[], signal: AbortSignal): Promise<number>;

  /** Asks where a stream stands. */
  headStream(stream: StreamName, signal: AbortSignal): Promise<StreamPosition>;

  /** Sends bytes of a stream; see law 3. All of them are taken, or an error is thrown. @param chunk.bytes at most 4 MiB */
  patchStream(
    chunk: { readonly stream: StreamName; readonly offset: number; readonly bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<StreamPosition>;

  /** Says that `bytes` bytes at `offset` will never come; the stream goes on behind them. */
  declareLost(
    gap: { readonly stream: StreamName; readonly offset: number; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<StreamPosition>;

  /** Says at once that the process ended; bytes may still follow. No effect on a plain server. */
  exited(request: ExitedRequest, signal: AbortSignal): Promise<void>;

  /**
   * Ends the attempt, when everything else is sent.
   * @throws {ConflictError} KERUTA_ERR_ATTEMPT_UNFINISHED when bytes or messages are missing on the server
   */
  finish(report: FinishReport, signal: AbortSignal): Promise<FinishAnswer>;

  /** What fired the task, as its script reads it; null when no trigger did, and on a plain server. */
  event(signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | null>;

  /**
   * What to check out, with which credentials, when the server knows better than the session; null when it does not, and
   * on a plain server. The credentials are for git alone, and are secret.
   */
  checkout(signal: AbortSignal): Promise<CheckoutAnswer['checkout']>;

  /** Sends a file; an upload that was broken off goes on where it stopped. @returns its id; null when none was given */
  uploadArtifact(artifact: ArtifactSource, signal: AbortSignal): Promise<string | null>;
}
