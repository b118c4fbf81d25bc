/** What agent and pod tell each other: by files of the run directory, because nothing else reaches from one node to another. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { isDead, type ProcessStat, parseStat } from '../../../pkg/process/proc.ts';
import { readRunFile, runFile } from '../shim/run-files.ts';
import type { UsageSample } from '../shim/run-usage.ts';

/** What a pod can be asked for: to list its processes, to end them (SIGTERM), to kill them, whether one waits for input. */
export type PodVerb = 'list' | 'end' | 'kill' | 'input';

/** How long a pod may take to answer: it looks every 0.1 s, but network file systems remember for seconds; ms. */
const answerMs = 5_000;
const againMs = 20;
const privately = { mode: 0o600 } as const;

/** Makes the files before the pod begins: one that is written anew is seen sooner elsewhere than one that comes to be. */
export function makePodFiles(directory: string): void {
  rmSync(join(directory, runFile.pod), { recursive: true, force: true });
  mkdirSync(join(directory, runFile.pod), { mode: 0o700 });
  writeFileSync(join(directory, runFile.pod, 'ask'), '', privately);
  writeFileSync(join(directory, runFile.pod, 'answer'), '', privately);
}

/** A process of a pod, as the pod counts. */
export interface PodProcess extends ProcessStat {
  readonly residentBytes: number;
}

/** Asks a pod, one thing after another. */
export class PodLine {
  readonly #parts: {
    readonly clock: Clock;
    readonly directory: string;
    readonly isOver: () => Promise<boolean>;
  };
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly clock: Clock;
    /** of the run */
    readonly directory: string;
    /** asked now and then: whether the pod has ended */
    readonly isOver: () => Promise<boolean>;
  }) {
    this.#parts = parts;
  }

  /** @returns the living processes of the script, before anything was done to them; null when the pod did not answer */
  async ask(verb: Exclude<PodVerb, 'input'>): Promise<readonly PodProcess[] | null> {
    const lines = await this.#queue(verb);
    return lines === null ? null : processesIn(lines);
  }

  /** Whether a process of the script is blocked reading its stdin; null when the pod cannot tell. */
  async askForReader(): Promise<boolean | null> {
    const said = (await this.#queue('input'))?.[0];
    return said === 'yes' || said === 'no' ? said === 'yes' : null;
  }

  #queue(verb: PodVerb): Promise<readonly string[] | null> {
    const answer = this.#last.then(() => this.#ask(verb));
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** @returns the lines of the answer */
  async #ask(verb: PodVerb): Promise<readonly string[] | null> {
    const { clock, directory, isOver } = this.#parts;
    const file = `${runFile.pod}/answer`;
    const number = 1 + Math.max(numberIn(directory, `${runFile.pod}/ask`), numberIn(directory, file));
    try {
      writeFileSync(join(directory, runFile.pod, 'ask'), `${number} ${verb} .\n`, privately);
    } catch {
      // the task deleted its run directory
      return null;
    }
    const until = clock.monotonicMs() + answerMs;
    for (;;) {
      // asked before: what ended meanwhile may have answered last
      const isLate = (await isOver()) || clock.monotonicMs() >= until;
      const text = readRunFile(directory, file) ?? '';
      if (text.startsWith(`${number}\n`) && text.endsWith('\n.\n')) return text.split('\n').slice(1, -2);
      if (isLate) return null;
      await clock.sleep(againMs);
    }
  }
}

function numberIn(directory: string, file: string): number {
  return Number.parseInt(readRunFile(directory, file) ?? '', 10) || 0;
}

function processesIn(lines: readonly string[]): readonly PodProcess[] {
  const found = new Map<string, PodProcess>();
  for (const line of lines) {
    const stat = parseStat(line);
    if (stat === null || isDead(stat)) continue;
    const key = `${stat.pid}.${stat.startTicks}`;
    if (!found.has(key)) found.set(key, { ...stat, residentBytes: residentIn(line) });
  }
  return [...found.values()];
}

/** Size of a page on all machines that matter here; bytes. */
const pageBytes = 4096;

/** Field 24 of a line of /proc/PID/stat, in bytes. @see proc(5) */
function residentIn(line: string): number {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[21]) || 0) * pageBytes;
}

/** What these processes have used. */
export function sampleOf(processes: readonly PodProcess[]): UsageSample | null {
  if (processes.length === 0) return null;
  const ticks = processes.reduce((sum, stat) => sum + stat.cpuTicks + stat.childCpuTicks, 0);
  const memoryBytes = processes.reduce((sum, stat) => sum + stat.residentBytes, 0);
  return { memoryBytes, cpuMs: ticks * 10, readBytes: null, writtenBytes: null };
}

/** The stdin of a run in a pod: numbered files, handed over one by one. Holds no resource. */
export class PodInput {
  readonly #parts: PodInputParts;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(parts: PodInputParts) {
    this.#parts = parts;
  }

  /** @see Run.write */
  write(text: string): Promise<boolean> {
    const write = this.#lastWrite.then(() => this.#write(text));
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  /** Ends the script's stdin once it has read what was written, by whatever agent; harmless the second time. */
  async close(): Promise<void> {
    const { directory, input } = this.#parts;
    await this.#lastWrite;
    if (input === 'none' || !existsSync(directory)) return;
    await this.#taken(this.#lastNumber());
    writeFileSync(join(directory, runFile.inputClosed), '', privately);
  }

  async #write(text: string): Promise<boolean> {
    const { directory, input } = this.#parts;
    if (input === 'none' || this.#has(runFile.inputClosed) || text === '')
      return input === 'wait' && text === '';
    const number = this.#lastNumber() + 1;
    const file = join(directory, runFile.pod, `input.${number}`);
    try {
      writeFileSync(`${file}.new`, text, privately);
      renameSync(`${file}.new`, file);
    } catch {
      return false;
    }
    const isTaken = await this.#taken(number);
    rmSync(file, { force: true });
    return isTaken;
  }

  /** Waits until the pod took a file; false when it never will. */
  async #taken(number: number): Promise<boolean> {
    const { clock, isOver } = this.#parts;
    while (number > 0 && !this.#has(`${runFile.pod}/taken.${number}`)) {
      if (await isOver()) return this.#has(`${runFile.pod}/taken.${number}`);
      await clock.sleep(againMs);
    }
    return true;
  }

  #lastNumber(): number {
    try {
      const names = readdirSync(join(this.#parts.directory, runFile.pod));
      const numbers = names.map((name) => Number(/^(?:input|taken)\.(\d+)$/.exec(name)?.[1] ?? 0));
      return Math.max(0, ...numbers);
    } catch {
      return 0;
    }
  }

  #has(name: string): boolean {
    return existsSync(join(this.#parts.directory, name));
  }
}

/** What the input of a run is made from. */
export interface PodInputParts {
  readonly clock: Clock;
  /** of the run */
  readonly directory: string;
  readonly input: 'none' | 'wait';
  /** asked now and then: whether the run takes no input any more, having ended */
  readonly isOver: () => Promise<boolean>;
}
