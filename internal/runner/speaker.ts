import type { LogLevel } from '../domain/log-level.ts';

/** What a task costs, as it is told. */
export interface ToldCost {
  /** micro-dollars */
  readonly micro: number;
  /** unique within the task: the same one again is the same cost */
  readonly key: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly model: string | null;
}

/**
 * Whom the runner tells what happens: the task that it is a run of, or a person. Texts are masked by the runner before they come here.
 * Nothing throws: what cannot be told does not stop the work.
 */
export interface Speaker {
  /** @param percent  0 to 100 */
  progress(percent: number, message: string): void;
  log(level: LogLevel, message: string): void;
  /** @param file  absolute; there until the task has ended. @param name  relative path under which it is shown */
  artifact(file: string, name: string, description: string): void;
  cost(cost: ToldCost): void;
  /** The last word: how it ended. @param errorCode  null = well */
  ended(message: string, errorCode: string | null): void;
  /** What programs print, and the headings between; resolves when more may come. */
  print(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
}

/** The words of a mailbox for what is told. */
export const mailboxWords = {
  progress: (percent: number, message: string) => [
    'progress',
    String(Math.max(0, Math.min(100, Math.round(percent)))),
    ...(message === '' ? [] : ['--message', message]),
  ],
  // a message may begin with dashes
  log: (level: LogLevel, message: string) => ['log', level, '--', message],
  artifact: (file: string, name: string, description: string) => [
    ...['artifact', 'add', file, '--name', name],
    ...['--description', description],
  ],
  cost: ({ micro, key, tokensIn, tokensOut, model }: ToldCost) => [
    ...['cost', 'add', `${Math.floor(micro / 1_000_000)}.${String(micro % 1_000_000).padStart(6, '0')}`],
    ...['--key', key, '--tokens-in', String(tokensIn), '--tokens-out', String(tokensOut)],
    ...(model === null ? [] : ['--model', model]),
  ],
  ended: (message: string, errorCode: string | null) => [
    ...(errorCode === null ? ['success'] : ['fail', '--error-code', errorCode]),
    ...(message === '' ? [] : ['--message', message]),
  ],
} as const;
