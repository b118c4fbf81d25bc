import { join } from 'node:path';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import { ConflictError } from '../domain/errors.ts';
import type { Run } from '../executor/executor.ts';
import { writeAnswer } from './answer-file.ts';
import type { ControlLane } from './control-lane.ts';
import type { Cursor } from './cursor.ts';
import { keepSecret } from './late-secrets.ts';
import type { Request } from './mailbox-words.ts';
import { maskedEnd } from './masked-end.ts';
import type { Masking } from './masking.ts';

/** What questions and answers need. */
export interface InputParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The run whose input this is. */
export interface InputOptions {
  readonly run: Run;
  readonly cursor: Cursor;
  readonly control: ControlLane;
  readonly masking: Masking;
  /** `wait`: the script's stdin is open and may be answered */
  readonly input: 'none' | 'wait';
  /** how long a read of stdin waits before end-of-file; ms */
  readonly inputTimeoutMs: number;
  /** Called when a person is waited for, or no longer. */
  readonly onWaiting: (waits: boolean) => void;
}

/** One answer of a person. */
export interface Answer {
  readonly id: string;
  /** the question's key */
  readonly key: string;
  readonly answer: string;
}

/** How often a process blocked on its stdin is looked for; ms. Two sightings in a row count. */
const lookEveryMs = 300;
/** Most bytes of output in which a prompt is looked for. */
const promptBytes = 4096;
const stdinPrefix = 'stdin-';

/** Questions of one run and the way of the answers into it: each to the question it was given for, once. */
export class Input {
  readonly #parts: InputParts;
  readonly #options: InputOptions;
  /** ids of answers that are on their way to the script */
  readonly #arriving = new Set<string>();
  /** when questions of scripts are given up, by their keys; monotonic ms */
  readonly #deadlines = new Map<string, number>();
  #sightings = 0;
  #waitingSince: number | null = null;

  constructor(parts: InputParts, options: InputOptions) {
    this.#parts = parts;
    this.#options = options;
    if (this.#stdinKey() !== null) this.#waitingSince = parts.clock.monotonicMs();
    for (const { key, withdrawAt } of options.cursor.state.asks) {
      if (withdrawAt !== null) this.#setDeadline(key, withdrawAt - parts.clock.now());
    }
    this.#tell();
  }

  /** Ids of answers that arrived, so that the server stops sending them. */
  delivered(): readonly string[] {
    return this.#options.cursor.state.deliveredInputs;
  }

  /** Keys of the questions that are open. */
  open(): readonly string[] {
    return this.#options.cursor.state.asks.map((ask) => ask.key);
  }

  /** Puts a script's own question. The same key again is the same question. */
  ask(request: Extract<Request, { kind: 'ask' }>): void {
    const withdrawAt = request.timeoutMs === null ? null : this.#parts.clock.now() + request.timeoutMs;
    const { state } = this.#options.cursor;
    if (state.asks.some((ask) => ask.key === request.key)) return;
    state.asks.push({ key: request.key, withdrawAt, secret: request.secret });
    if (request.timeoutMs !== null) this.#setDeadline(request.key, request.timeoutMs);
    this.#options.cursor.touch();
    this.#tell();
  }

  /** Hands an answer to the script. One that arrived before, or whose question is closed, changes nothing. */
  async answer(answer: Answer): Promise<void> {
    const { state } = this.#options.cursor;
    if (state.deliveredInputs.includes(answer.id) || this.#arriving.has(answer.id)) return;
    this.#arriving.add(answer.id);
    if (state.asks.some((ask) => ask.key === answer.key && ask.secret)) await this.#hide(answer.answer);
    const isAsk = state.asks.some((ask) => ask.key === answer.key) && !answer.key.startsWith(stdinPrefix);
    if (isAsk) {
      this.#leaveAnswer(answer);
      state.deliveredInputs.push(answer.id);
      this.#close(answer.key);
      return;
    }
    state.deliveredInputs.push(answer.id);
    this.#close(answer.key);
    const text = answer.answer.endsWith('\n') ? answer.answer : `${answer.answer}\n`;
    if (this.#options.input === 'wait' && (await this.#options.run.write(text))) return;
    this.#parts.log.warn('an answer came for a question that is closed', { key: answer.key });
  }

  /**
   * Takes an answer that came past the server, through the agent's own door.
   * @param key  of the open question; null = the only one
   * @throws {ConflictError} KERUTA_ERR_NOT_WAITING
   */
  async answerHere(key: string | null, answer: string): Promise<void> {
    const { asks } = this.#options.cursor.state;
    const found =
      key === null ? (asks.length === 1 ? asks[0] : undefined) : asks.find((ask) => ask.key === key);
    if (!found) {
      throw new ConflictError(
        'KERUTA_ERR_NOT_WAITING',
        `The task does not wait for ${key === null ? 'one single input' : `the input ${key}`}. ` +
          `Open now: ${asks.map((ask) => ask.key).join(', ') || 'none'}.`,
      );
    }
    await this.answer({ id: `here-${this.#parts.random.uuid4()}`, key: found.key, answer });
    this.#withdraw(found.key);
  }

  /** Looks for a process that waits for its stdin, and for questions whose time is up, until the signal ends it. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#parts.clock.sleep(lookEveryMs, signal);
        this.#expire();
        if (this.#options.input === 'wait') await this.#look();
      } catch (error) {
        if (!signal.aborted) this.#parts.log.warn('input cannot be watched', { error });
      }
    }
  }

  /** The run has ended: nobody waits any more. */
  closeAll(): void {
    for (const ask of [...this.#options.cursor.state.asks]) this.#giveUp(ask.key);
  }

  /** @throws when the disk does not take it: the server repeats the answer until it is called delivered */
  #leaveAnswer({ id, key, answer }: Answer): void {
    try {
      writeAnswer(join(this.#options.run.directory, 'answers'), key, answer);
    } catch (error) {
      this.#arriving.delete(id);
      throw error;
    }
  }

  /** Masks a text from here on, and writes that down, before the script gets to know it. */
  async #hide(value: string): Promise<void> {
    const { run, cursor, masking } = this.#options;
    const [stdout, stderr] = [await run.size('stdout'), await run.size('stderr')];
    keepSecret({ log: this.#parts.log, cursor, masking }, { value, from: { stdout, stderr } });
  }

  async #look(): Promise<void> {
    const waits = (await this.#options.run.isReadingInput()) === true;
    this.#sightings = waits ? this.#sightings + 1 : 0;
    const key = this.#stdinKey();
    if (waits && this.#sightings >= 2 && key === null) await this.#askForStdin();
    if (!waits && key !== null) this.#giveUp(key);
    const sinceMs = this.#parts.clock.monotonicMs() - (this.#waitingSince ?? Number.POSITIVE_INFINITY);
    if (waits && sinceMs >= this.#options.inputTimeoutMs) {
      if (key !== null) this.#giveUp(key);
      await this.#options.run.closeInput();
    }
  }

  async #askForStdin(): Promise<void> {
    const key = `${stdinPrefix}${this.#parts.random.secret(6)}`;
    const prompt = await this.#prompt();
    this.#waitingSince = this.#parts.clock.monotonicMs();
    this.#options.cursor.state.asks.push({ key, withdrawAt: null, secret: false });
    this.#options.control.say({
      kind: 'ask',
      at: new Date(this.#parts.clock.now()).toISOString(),
      key,
      how: 'stdin',
      prompt,
      choices: [],
      secret: false,
    });
    this.#tell();
  }

  /** The unfinished last line of the output: what stands before the cursor on a terminal. */
  async #prompt(): Promise<string> {
    const { run, masking } = this.#options;
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = await maskedEnd({ run, masking }, stream, promptBytes);
      const line = text.slice(text.lastIndexOf('\n') + 1).trim();
      if (line !== '') return line;
    }
    return '';
  }

  #stdinKey(): string | null {
    return this.#options.cursor.state.asks.find((ask) => ask.key.startsWith(stdinPrefix))?.key ?? null;
  }

  #expire(): void {
    const now = this.#parts.clock.monotonicMs();
    for (const [key, at] of this.#deadlines) if (at <= now) this.#giveUp(key);
  }

  /** In time that nobody sets: a clock that jumps by a day must not close a question. */
  #setDeadline(key: string, inMs: number): void {
    this.#deadlines.set(key, this.#parts.clock.monotonicMs() + inMs);
  }

  #giveUp(key: string): void {
    this.#close(key);
    this.#withdraw(key);
  }

  #withdraw(key: string): void {
    this.#options.control.say({ kind: 'withdraw', at: new Date(this.#parts.clock.now()).toISOString(), key });
  }

  #close(key: string): void {
    const { cursor } = this.#options;
    this.#deadlines.delete(key);
    if (key.startsWith(stdinPrefix)) this.#sightings = 0;
    cursor.state.asks = cursor.state.asks.filter((ask) => ask.key !== key);
    cursor.save();
    this.#tell();
  }

  #tell(): void {
    this.#options.onWaiting(this.#options.cursor.state.asks.length > 0);
  }
}
