import { type LineSplitter, makeLineSplitter } from '../../../pkg/lines/lines.ts';
import type { Redactor } from '../../../pkg/redact/redactor.ts';
import type { StreamRedactor } from '../../../pkg/redact/stream-mask.ts';
import type { WorkRequest, WorkUsage } from '../coding-agent.ts';
import { costOf, type PriceTable, priceOf } from '../prices.ts';
import type { Spending, Stop } from '../spending.ts';
import type { Transcript } from '../transcript.ts';
import type { OutputReader, SeenOutput } from './output-reader.ts';

/** What listening to a program needs. */
export interface ListeningParts {
  readonly redactor: Redactor;
  readonly transcript: Transcript;
  readonly spending: Spending;
  readonly request: WorkRequest;
  readonly reader: OutputReader;
  readonly prices: PriceTable;
  /** that was asked for; counts until the program tells */
  readonly model: string | null;
  /** ends the program */
  readonly halt: (reason: unknown) => void;
}

/** A name of a model that is longer is none. */
const maxNameCharacters = 200;

type StreamName = 'stdout' | 'stderr';

/** A line that is longer is not looked at; bytes. */
const maxLineBytes = 1024 ** 2;
/** Kept of the end of the output, for when there are no last words; characters. */
const tailCharacters = 4000;

/** Hears what a program prints: masks it, writes it down, and has what it spends judged while it runs. */
export class Listening {
  readonly #parts: ListeningParts;
  readonly #masks: Readonly<Record<StreamName, StreamRedactor>>;
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() } as const;
  readonly #lines: LineSplitter = makeLineSplitter(maxLineBytes);
  #isLong = false;
  #tail = '';
  #stop: Stop | null = null;
  #fault: { readonly error: unknown } | null = null;
  #judging: Promise<void> = Promise.resolve();

  constructor(parts: ListeningParts) {
    this.#parts = parts;
    this.#masks = { stdout: parts.redactor.stream(), stderr: parts.redactor.stream() };
  }

  get seen(): SeenOutput {
    return this.#parts.reader.seen;
  }

  /** Why the program was ended; null when it was not. */
  get stop(): Stop | null {
    return this.#stop;
  }

  /** The end of what it printed, masked. */
  get tail(): string {
    return this.#tail.trim();
  }

  /** Takes what came. Never throws: what is wrong ends the program, and comes out of `end`. */
  take(stream: StreamName, bytes: Buffer): void {
    if (this.#fault !== null) return;
    try {
      this.#write(stream, this.#masks[stream].push(bytes));
      if (stream === 'stdout') this.#read(this.#lines.push(bytes));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The output is over. @throws what the gate threw, or the transcript */
  async end(): Promise<void> {
    if (this.#fault === null) {
      this.#read(this.#lines.end());
      for (const stream of ['stdout', 'stderr'] as const) this.#write(stream, this.#masks[stream].end());
    }
    await this.#judging;
    if (this.#fault !== null) throw this.#fault.error;
  }

  #write(stream: StreamName, masked: Uint8Array): void {
    if (masked.length === 0) return;
    this.#parts.transcript.add(masked);
    const text = this.#decoders[stream].decode(masked, { stream: true });
    this.#tail = (this.#tail + text).slice(-tailCharacters);
    if (stream === 'stderr') this.#parts.request.on?.({ type: 'output', stream, text });
  }

  #read(lines: ReturnType<LineSplitter['push']>): void {
    const before = this.seen;
    const shown: string[] = [];
    for (const line of lines) {
      const isPiece = this.#isLong || line.continues;
      this.#isLong = line.continues;
      const words = isPiece ? null : this.#parts.reader.line(line.text);
      if (words !== null) shown.push(words);
    }
    // what came together is told together: to mask line by line takes much longer
    if (shown.length > 0) this.#show(shown.join('\n'));
    if (this.seen !== before) this.#judge();
  }

  #show(text: string): void {
    const { request, redactor } = this.#parts;
    request.on?.({ type: 'said', step: this.seen.calls, text: redactor.text(text) });
  }

  #judge(): void {
    const { model, ...usage } = usageOf(this.#parts, this.seen);
    const named = model === null ? null : this.#parts.redactor.text(model.slice(0, maxNameCharacters));
    this.#judging = this.#judging.then(async () => {
      if (this.#fault !== null) return;
      try {
        const stop = await this.#parts.spending.raiseTo({ ...usage, model: named });
        this.#stop ??= stop;
        if (this.#stop !== null) this.#parts.halt(this.#stop.words);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #fail(error: unknown): void {
    this.#fault ??= { error };
    this.#parts.halt(error);
  }
}

/** What a program tells of its cost counts; else the price of its model. */
function usageOf({ prices, model: asked }: ListeningParts, seen: SeenOutput): WorkUsage {
  const { calls, tokensIn, tokensOut } = seen;
  const model = seen.model ?? asked;
  const price = priceOf(prices, model);
  const costMicros = seen.costMicros ?? (price === null ? null : costOf(price, seen));
  return { model, calls, tokensIn, tokensOut, costMicros, isEstimated: false };
}
