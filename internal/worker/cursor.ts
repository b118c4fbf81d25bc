import { dirname, join } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import type { ControlMessage } from '../api/protocol.ts';
import type { Declared, EndReason } from '../domain/outcome.ts';
import type { StreamName } from '../domain/task.ts';
import type { LateSecret } from './masking.ts';
import { cursorShape } from './state-shapes.ts';

/** How far one stream was acknowledged, in masked bytes, and their checksum. */
export interface StreamCursor {
  offset: number;
  /** CRC-32 of the bytes up to `offset` */
  crc32: number;
}

/** A question that is open, as far as the agent knows. */
export interface OpenAsk {
  readonly key: string;
  /** when it is given up; epoch ms; null = never */
  readonly withdrawAt: number | null;
  /** whether the answer is masked from then on */
  readonly secret: boolean;
}

/** A file that the script handed over with `artifact add`. */
export interface AddedArtifact {
  readonly file: string;
  readonly name: string;
  readonly description: string;
}

/** Everything about a run that must survive the agent; `<run>/cursor.json`. */
export interface CursorState {
  readonly version: 1;
  readonly streams: Record<StreamName, StreamCursor>;
  /** up to here the mailbox was read and its messages were acknowledged */
  mailbox: number;
  /** highest number that the server applied */
  controlSeq: number;
  /** messages of the agent's own that were not acknowledged yet, in order; numbered before they are sent */
  outbox: ControlMessage[];
  /** the failure that the script declared, else the last success; null when it said nothing */
  declared: Declared | null;
  asks: OpenAsk[];
  /** answers to secret questions, and what `redact add` told */
  lateSecrets: LateSecret[];
  /** ids of answers that reached the script */
  deliveredInputs: string[];
  added: AddedArtifact[];
  /** another artifacts directory that `success` named */
  artifactsDir: string | null;
  /** why the run is being ended from outside; null = it is not */
  reason: EndReason | null;
  /** whether the agent went of its own will and let the run go on */
  isLeft: boolean;
}

/** How long acknowledgements may stay in memory; ms. What is lost of them is found out again from the server. */
const saveAfterMs = 2_000;

/** The cursor of one run: state in memory, written to its file soon (`touch`) or now (`save`). */
export class Cursor {
  readonly state: CursorState;
  readonly #file: string;
  readonly #clock: Clock;
  #cancelSave: (() => void) | null = null;
  #isSaved = true;
  #isClosed = false;
  /** how many late secrets stand in the copy */
  #secretsSaved: number;

  /** @param file  beside it stands a copy of what nobody else knows, for when it is damaged */
  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.state = readCursor(file) ?? { ...emptyCursor(), lateSecrets: readLateSecrets(file) };
    this.#secretsSaved = this.state.lateSecrets.length;
  }

  /** Whether the last write reached the disk. */
  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** Says that something changed that can be found out again; it is written within two seconds. */
  touch(): void {
    if (this.#isClosed) return;
    this.#cancelSave ??= this.#clock.after(saveAfterMs, () => this.save());
  }

  /** Writes the state now. For what cannot be found out again, before it has an effect. */
  save(): void {
    this.forget();
    if (this.#isClosed) {
      this.#isSaved = false;
      return;
    }
    try {
      this.#saveSecrets();
      writeJsonFile(this.#file, this.state);
      this.#isSaved = true;
    } catch {
      this.#isSaved = false;
      // the run directory is gone or the disk is full: the run itself goes on, a restart would ask the server
    }
  }

  #saveSecrets(): void {
    const { lateSecrets } = this.state;
    if (lateSecrets.length === this.#secretsSaved) return;
    writeJsonFile(secretsFile(this.#file), { lateSecrets });
    this.#secretsSaved = lateSecrets.length;
  }

  /**
   * Ends writing for good. The file may be another agent's from here on: what a request that was still under way changes
   * in this state must not put an old cursor in the place of a newer one.
   */
  close(): void {
    this.forget();
    this.#isClosed = true;
  }

  /** Drops a write that is due. */
  forget(): void {
    this.#cancelSave?.();
    this.#cancelSave = null;
  }
}

function emptyCursor(): CursorState {
  return {
    version: 1,
    streams: { stdout: { offset: 0, crc32: 0 }, stderr: { offset: 0, crc32: 0 } },
    mailbox: 0,
    controlSeq: 0,
    outbox: [],
    declared: null,
    asks: [],
    lateSecrets: [],
    deliveredInputs: [],
    added: [],
    artifactsDir: null,
    reason: null,
    isLeft: false,
  };
}

/** A damaged one counts as none, as a whole: from the start, everything is found out again from the files and the server. */
function readCursor(file: string): CursorState | null {
  const value = readJsonFile(file);
  return cursorShape.safeParse(value).success ? { ...emptyCursor(), ...(value as CursorState) } : null;
}

function readLateSecrets(file: string): LateSecret[] {
  const value = readJsonFile(secretsFile(file));
  const read = cursorShape.pick({ lateSecrets: true }).safeParse(value);
  return read.success ? (value as Pick<CursorState, 'lateSecrets'>).lateSecrets : [];
}

function secretsFile(file: string): string {
  return join(dirname(file), 'late-secrets.json');
}
