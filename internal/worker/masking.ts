import { makeRedactor, type Redactor, type StreamRedactor } from '../../pkg/redact/redactor.ts';

/** Masks one stream, in order. Length-preserving: byte n of the output stands for byte n of the input. */
export type StreamMasker = StreamRedactor;

/** Masks everything of one run. */
export type Masking = Pick<Redactor, 'overlapBytes' | 'stream' | 'text'>;

/**
 * Makes the masking of a run: every byte of a secret becomes `*`, in all the forms in which secrets turn up.
 * @param secrets  of at least 6 bytes each; shorter ones are passed over
 */
export function maskingOf(secrets: readonly string[]): Masking {
  return makeRedactor(secrets.map((value) => ({ name: '', value })));
}
