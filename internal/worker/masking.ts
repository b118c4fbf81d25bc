import { makeRedactor, type Redactor, type StreamRedactor } from '../../pkg/redact/redactor.ts';
import type { StreamName } from '../domain/task.ts';

/** Masks one stream, in order. Length-preserving: byte n of the output stands for byte n of the input. */
export type StreamMasker = StreamRedactor;

/** A secret that became known while the run was going on, such as the answer to `ask --secret`. */
export interface LateSecret {
  readonly value: string;
  /** where each stream stood before the run got to know it; bytes. What is before is out already, as it was */
  readonly from: Readonly<Record<StreamName, number>>;
}

/** Masks everything of one run. */
export interface Masking {
  /** how far before a place reading must begin, so that a secret across it is found; bytes */
  readonly overlapBytes: number;
  /** A masker for a stream. @param readAt  where in the stream its first byte is */
  stream(name: StreamName, readAt: number): StreamMasker;
  /** Masks a text that the run wrote just now. */
  text(text: string): string;
  /** Masks one more secret from a place on, also in the maskers that there are. The same value again changes nothing. */
  add(secret: LateSecret): void;
}

interface Stage {
  readonly value: string;
  readonly from: LateSecret['from'];
  readonly redactor: Redactor;
}

/**
 * Makes the masking of a run: every byte of a secret becomes `*`, in all the forms in which secrets turn up.
 * @param secrets  of at least 6 bytes each; shorter ones are passed over
 * @param late     in the order in which they became known
 */
export function maskingOf(secrets: readonly string[], late: readonly LateSecret[] = []): Masking {
  const first = redactorOf(secrets);
  const stages: Stage[] = [];
  const add = ({ value, from }: LateSecret) => {
    if (stages.some((stage) => stage.value === value)) return;
    stages.push({ value, from, redactor: redactorOf([value]) });
  };
  late.forEach(add);
  return {
    get overlapBytes() {
      return stages.reduce((sum, { redactor }) => sum + redactor.overlapBytes, first.overlapBytes);
    },
    stream: (name, readAt) => new StagedMasker(first.stream(), { stages, name, readAt }),
    text: (text) => stages.reduce((masked, { redactor }) => redactor.text(masked), first.text(text)),
    add,
  };
}

function redactorOf(values: readonly string[]): Redactor {
  return makeRedactor(values.map((value) => ({ name: '', value })));
}

/** A stage in one stream. */
interface OpenStage {
  readonly from: number;
  readonly masker: StreamMasker;
  /** where in the stream its next byte is */
  at: number;
}

/** Masks what was known at the start, then, in what is left, each late secret from its place on. */
class StagedMasker implements StreamMasker {
  readonly #first: StreamMasker;
  readonly #how: {
    readonly stages: readonly Stage[];
    readonly name: StreamName;
    readonly readAt: number;
  };
  readonly #open: OpenStage[] = [];
  /** how many bytes the last stage gave */
  #given = 0;

  constructor(
    first: StreamMasker,
    how: { readonly stages: readonly Stage[]; readonly name: StreamName; readonly readAt: number },
  ) {
    this.#first = first;
    this.#how = how;
  }

  push(bytes: Uint8Array): Uint8Array {
    this.#openStages();
    let masked = this.#first.push(bytes);
    for (const stage of this.#open) masked = through(stage, masked);
    this.#given += masked.length;
    return masked;
  }

  end(): Uint8Array {
    this.#openStages();
    let masked = this.#first.end();
    for (const stage of this.#open) {
      masked = Buffer.concat([through(stage, masked), stage.masker.end()]);
    }
    this.#given += masked.length;
    return masked;
  }

  #openStages(): void {
    const { stages, name, readAt } = this.#how;
    for (const { from, redactor } of stages.slice(this.#open.length)) {
      this.#open.push({ from: from[name], masker: redactor.stream(), at: readAt + this.#given });
    }
  }
}

function through(stage: OpenStage, bytes: Uint8Array): Uint8Array {
  const before = Math.min(bytes.length, Math.max(0, stage.from - stage.at));
  stage.at += bytes.length;
  if (before === bytes.length) return bytes;
  const masked = stage.masker.push(bytes.subarray(before));
  return before === 0 ? masked : Buffer.concat([bytes.subarray(0, before), masked]);
}
