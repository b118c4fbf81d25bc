/** What a watch knows, kept over restarts of the agent: a file of lines, each of them true with all before it. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { replaceText } from '../../../pkg/files/replace-text.ts';
import { type FileEvent, fileEventShape } from '../../api/watch-shapes.ts';
import { applyChanges, type FileState, type FileTable } from './diff.ts';
import type { OwnRun } from './own-runs.ts';

const file = z.tuple([z.string(), z.number(), z.string(), z.string(), z.string().nullable()]);
const line = z.object({
  about: z.string().optional(),
  at: z.number().optional(),
  files: z.array(z.union([file, z.tuple([z.string()])])).optional(),
  events: z.array(fileEventShape).optional(),
  /** events that are at an end, from the oldest on */
  sent: z.number().optional(),
  runs: z
    .array(z.object({ taskId: z.string(), from: z.number(), to: z.number().nullable() }))
    .readonly()
    .optional(),
});
type Line = z.input<typeof line>;

/** Lines are gathered into one when they are so long together, beside what they were then; bytes. */
const gatherBytes = 4 * 1024 * 1024;

/** What is written at once. */
export interface JournalEntry {
  /** epoch ms */
  readonly at: number;
  /** changes that are known from now on, and wait to be sent */
  readonly events?: readonly FileEvent[];
  /** files that are known from now on; null = that they are gone */
  readonly files?: ReadonlyMap<string, FileState | null>;
  readonly runs?: readonly OwnRun[];
}

/** @see module */
export class Journal {
  /** whether there was one about the same before */
  readonly isKnown: boolean;
  readonly #path: string;
  readonly #about: string;
  readonly #files = new Map<string, FileState>();
  #unsent: FileEvent[] = [];
  #runs: readonly OwnRun[] = [];
  #at = 0;
  #bytes = 0;
  #whole = 0;

  /**
   * Reads it. One that is damaged counts up to the damage.
   * @param about  what is watched: of one about something else only the events count that were not sent
   */
  constructor(path: string, about: string) {
    this.#path = path;
    this.#about = about;
    this.isKnown = this.#read();
    if (!this.isKnown) this.#files.clear();
    this.#gather();
  }

  get files(): FileTable {
    return this.#files;
  }

  /** what the server has not taken yet, oldest first */
  get unsent(): readonly FileEvent[] {
    return this.#unsent;
  }

  get runs(): readonly OwnRun[] {
    return this.#runs;
  }

  /** when something was kept last; epoch ms; 0 = never */
  get at(): number {
    return this.#at;
  }

  /** Keeps an entry: when it returns it is on the disk, with one wait for it however much it is. */
  keep(entry: JournalEntry): void {
    const { at, events, files, runs } = entry;
    const written: Line = { at };
    if (events !== undefined && events.length > 0) written.events = [...events];
    if (files !== undefined && files.size > 0) written.files = [...files].map(rowOf);
    if (runs !== undefined) written.runs = runs;
    this.#append(written, true);
  }

  /** Forgets the oldest events. Not forced to the disk: the server knows an event that comes twice. */
  sent(count: number): void {
    this.#append({ sent: count }, false);
  }

  #append(written: Line, isForced: boolean): void {
    const text = textOf(written);
    const handle = openSync(this.#path, 'a', 0o600);
    try {
      writeFileSync(handle, text);
      if (isForced) fsyncSync(handle);
    } catch (error) {
      // half a line would hide those behind it
      ftruncateSync(handle, this.#bytes);
      throw error;
    } finally {
      closeSync(handle);
    }
    this.#bytes += Buffer.byteLength(text);
    this.#take(written);
    if (this.#bytes > 2 * this.#whole + gatherBytes) this.#gather();
  }

  #take({ at, files = [], events = [], sent = 0, runs }: z.output<typeof line>): void {
    this.#at = at ?? this.#at;
    for (const [path, ...state] of files) {
      const [size, mtimeNs, inode, sha256] = state;
      if (size === undefined || mtimeNs === undefined || inode === undefined) this.#files.delete(path);
      else this.#files.set(path, { size, mtimeNs, inode, sha256: sha256 ?? null });
    }
    for (const event of events) {
      applyChanges(this.#files, event.changes);
      this.#unsent.push(event);
    }
    if (sent > 0) this.#unsent = this.#unsent.slice(sent);
    this.#runs = runs ?? this.#runs;
  }

  #read(): boolean {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return false;
    }
    let isSame = false;
    for (const one of text.split('\n')) {
      const [, sum, body = ''] = /^([0-9]{1,10}) (\{.*\})$/.exec(one) ?? [];
      const read =
        sum !== undefined && Number(sum) === crc32(body) ? line.safeParse(JSON.parse(body)).data : null;
      if (!read) break;
      isSame ||= read.about === this.#about;
      this.#take(read);
    }
    return isSame;
  }

  /** Writes all that is known into one line. */
  #gather(): void {
    const { files, unsent, runs } = {
      files: [...this.#files].map(rowOf),
      unsent: this.#unsent,
      runs: this.#runs,
    };
    // events change the table when they are read: what they change it to is what it says already, but for what came after
    const text =
      textOf({ about: this.#about, events: unsent }) +
      textOf({ at: this.#at, files: [...goneAgain(unsent, this.#files), ...files], runs });
    replaceText(this.#path, text, { sync: true });
    this.#bytes = Buffer.byteLength(text);
    this.#whole = this.#bytes;
  }
}

function goneAgain(unsent: readonly FileEvent[], files: FileTable): [string][] {
  const paths = unsent.flatMap(({ changes }) => changes.map(({ path }) => path));
  return paths.filter((path) => !files.has(path)).map((path) => [path]);
}

function rowOf([path, state]: readonly [string, FileState | null]): NonNullable<Line['files']>[number] {
  return state === null ? [path] : [path, state.size, state.mtimeNs, state.inode, state.sha256];
}

function textOf(written: Line): string {
  const body = JSON.stringify(written);
  return `${crc32(body)} ${body}\n`;
}
