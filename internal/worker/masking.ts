import { Matcher } from '../../pkg/redact/matcher.ts';
import { makeRedactor, maskWhole } from '../../pkg/redact/redactor.ts';
import { type Stage, StreamMask, type StreamRedactor } from '../../pkg/redact/stream-mask.ts';
import type { StreamName } from '../domain/task.ts';

/** Masks one stream, in order. Length-preserving: byte n of the output stands for byte n of the input. */
export type StreamMasker = StreamRedactor;

/** A secret that became known while the run was going on: the answer to `ask --secret`, or `redact add`. */
export interface LateSecret {
  readonly value: string;
  /** from where on it is masked in each stream; bytes. What is before is out already, as it was */
  readonly from: Readonly<Record<StreamName, number>>;
  /** of the record in the mailbox that told it; none for an answer */
  readonly id?: string;
}

/** Masks everything of one run. */
export interface Masking {
  /** how far before a place reading must begin, so that a secret across it is found; bytes */
  readonly overlapBytes: number;
  /**
   * A masker for a stream.
   * @param place.readAt  where in the stream its first byte is
   * @param place.sent    up to here the stream is out already; default `readAt`
   */
  stream(name: StreamName, place: { readonly readAt: number; readonly sent?: number }): StreamMasker;
  /** Masks a text, with every secret that is known now. */
  text(text: string): string;
  /** Masks bytes that are not part of a stream, with every secret that is known now. */
  bytes(bytes: Uint8Array): Uint8Array;
  /** A masker for a file, with every secret that is known now. */
  file(): StreamRedactor;
  /** Masks every text in a JSON-safe value; the names of its fields stay. */
  deep<T>(value: T): T;
  /**
   * Masks one more secret, also in the maskers that there are.
   * @returns the secret with the places from which on it is masked: the given ones, but never before what is out already.
   *          It has to survive the agent before anything else is sent. Null: it was known, nothing changed
   */
  add(secret: LateSecret): LateSecret | null;
}

/**
 * Makes the masking of a run: every byte of a secret becomes `*`, in all the forms in which secrets turn up.
 * @param secrets  of at least 6 bytes each; shorter ones are passed over
 * @param late     in the order in which they became known
 */
export function maskingOf(secrets: readonly string[], late: readonly LateSecret[] = []): Masking {
  return new RunMasking(secrets, late);
}

const noForms = new Matcher([]);

class RunMasking implements Masking {
  readonly #values: string[];
  readonly #known: Set<string>;
  readonly #stages: Record<StreamName, Stage[]>;
  readonly #everywhere: Stage[];
  /** how far each stream is out, over all its maskers */
  readonly #out: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #overlapBytes: number;
  #together: { readonly count: number; readonly matcher: Matcher } | null = null;

  constructor(secrets: readonly string[], late: readonly LateSecret[]) {
    const first = redactorOf(secrets);
    const stage: Stage = { matcher: () => first.matcher(), from: 0 };
    this.#values = [...secrets];
    this.#known = new Set(secrets);
    this.#overlapBytes = first.overlapBytes;
    this.#everywhere = [stage];
    this.#stages = { stdout: [stage], stderr: [stage] };
    for (const secret of late) this.#take(secret);
  }

  get overlapBytes(): number {
    return this.#overlapBytes;
  }

  stream(name: StreamName, { readAt, sent = readAt }: { readAt: number; sent?: number }): StreamMasker {
    const mask = new StreamMask(this.#stages[name], { readAt, all: (count) => this.#all(count) });
    const note = (out: number) => {
      this.#out[name] = Math.max(this.#out[name], out);
    };
    note(sent);
    const noted = (bytes: Uint8Array) => {
      note(mask.reached);
      return bytes;
    };
    return { push: (bytes, into) => noted(mask.push(bytes, into)), end: () => noted(mask.end()) };
  }

  text(text: string): string {
    return text === '' ? '' : this.bytes(Buffer.from(text)).toString();
  }

  bytes(bytes: Uint8Array): Buffer {
    return maskWhole(this.file(), bytes);
  }

  file(): StreamRedactor {
    return new StreamMask(this.#everywhere, { readAt: 0, all: (count) => this.#all(count) });
  }

  deep<T>(value: T): T {
    return this.#deep(value) as T;
  }

  add(secret: LateSecret): LateSecret | null {
    if (this.#known.has(secret.value)) return null;
    const { stdout, stderr } = secret.from;
    const from = { stdout: Math.max(stdout, this.#out.stdout), stderr: Math.max(stderr, this.#out.stderr) };
    const taken = { ...secret, from };
    this.#take(taken);
    return taken;
  }

  #take({ value, from }: LateSecret): void {
    if (this.#known.has(value)) return;
    const redactor = redactorOf([value]);
    const matcher = () => redactor.matcher();
    this.#known.add(value);
    this.#values.push(value);
    this.#overlapBytes = Math.max(this.#overlapBytes, redactor.overlapBytes);
    this.#everywhere.push({ matcher, from: 0 });
    for (const name of ['stdout', 'stderr'] as const) this.#stages[name].push({ matcher, from: from[name] });
  }

  /** One matcher for the secrets from the start and the first late ones; kept, since both streams want the same. */
  #all(count: number): Matcher {
    if (this.#together?.count !== count) {
      const late = this.#everywhere.length - count;
      const values = late === 0 ? this.#values : this.#values.slice(0, -late);
      this.#together = { count, matcher: values.length === 0 ? noForms : redactorOf(values).matcher() };
    }
    return this.#together.matcher;
  }

  #deep(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#deep(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#deep(item)]));
  }
}

function redactorOf(values: readonly string[]): ReturnType<typeof makeRedactor> {
  return makeRedactor(values.map((value) => ({ name: '', value })));
}
