/**
 * What a runner hands over that shares no disk with who started it: lines of its output, each with a key that only the two know, a number
 * that grows by one, and what it is. Lines without the key are somebody else's. Pure.
 */
import { z } from 'zod';

/** Of these lines; another one is not understood. */
export const relayVersion = 1;

/** Bytes of a file or of output in one line: a line stays below what container engines cut (16 KiB). */
export const maxFrameBytes = 6 * 1024;

const frameShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), version: z.int() }),
  /** what it prints; base64 */
  z.object({ kind: z.enum(['stdout', 'stderr']), data: z.string() }),
  /** a piece of a file, base64, not compressed: what is unpacked may grow; the last one says how long the whole is, and its SHA-256 */
  z.object({
    kind: z.literal('file'),
    /** absolute; the same on both sides */
    path: z.string(),
    data: z.string(),
    whole: z.object({ bytes: z.int().min(0), sha256: z.string() }).optional(),
  }),
  /** a file that could not be read */
  z.object({ kind: z.literal('lost'), path: z.string(), why: z.string() }),
  /** records of the mailbox of a run; base64 */
  z.object({ kind: z.literal('mailbox'), data: z.string() }),
  z.object({ kind: z.literal('end'), exitCode: z.int(), wasOutOfMemory: z.boolean() }),
]);

/** One piece. */
export type Frame = z.output<typeof frameShape>;

/** Makes a line, its end included. @param key  without spaces */
export function encodeFrame(key: string, number: number, frame: Frame): string {
  return `${key} ${number} ${JSON.stringify(frame)}\n`;
}

/** Reads a line. @returns null for one that is none of these */
export function decodeFrame(
  key: string,
  line: string,
): { readonly number: number; readonly frame: Frame } | null {
  if (!line.startsWith(`${key} `)) return null;
  const [, number = '', text = ''] = /^ (\d{1,15}) (.*)$/.exec(line.slice(key.length)) ?? [];
  try {
    return { number: Number(number), frame: frameShape.parse(JSON.parse(text)) };
  } catch {
    return null;
  }
}

/** What a runner is told of this by its environment, as JSON in {@link relayVariable}. */
export const relayWishShape = z.object({
  key: z.string().regex(/^\S+$/),
  /** what is masked besides what it finds out itself */
  masked: z.array(z.string()),
});
/** @see relayWishShape */
export type RelayWish = z.output<typeof relayWishShape>;

/** Names of variables by which a runner in a pod is told how it speaks; programs that it starts do not get them. */
export const relayVariable = {
  wish: 'KERUTA_RUNNER_RELAY',
  /** names of variables that come from Secrets, with blanks between: their values are masked */
  secrets: 'KERUTA_RUNNER_SECRETS',
} as const;
