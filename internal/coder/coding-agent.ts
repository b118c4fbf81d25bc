/**
 * AI coding agents: what changes the files of a slot (a work tree that is handed out for one task) until a task is done.
 * A folder for each adapter: *command* runs a program that is an agent itself (claude, codex, gemini, aider, or any other), *endpoint*
 * speaks with a model over HTTP and gives it tools of our own.
 *
 * Laws, for every adapter:
 * - one piece of work ends: by itself, by a limit, by the gate, by the signal; nothing that it started lives on then;
 * - what it spent is told after every call, and the gate's no ends the work before the next one;
 * - the numbers of a usage only grow;
 * - no secret that is known here is in a prompt, an event, a summary or a transcript;
 * - agents do not commit: what they leave is in the work tree, and whether it is good is for tests and gates to say.
 *
 * What a model wrote is never trusted. Of the tools of our own those for files reach nothing outside of the slot, follow no link and
 * leave `.git` alone; a command (the tool's, or an agent that is a program) is held by the place that it runs in.
 */

/** An agent, made ready with its model, its key and its limits of politeness. */
export interface CodingAgent {
  /** for people: `claude`, `gpt-4 at api.openai.com` */
  readonly name: string;
  /**
   * Works until it is done, or a limit is reached.
   * @throws {InputError} KERUTA_ERR_CONFIG when it cannot begin: no such program, a limited cost that would not be known;
   *   {UnavailableError} KERUTA_ERR_DISK_FULL; what the gate throws; the signal's reason when it was aborted. Nothing runs any more then
   */
  work(request: WorkRequest): Promise<WorkResult>;
}

/** One piece of work. */
export interface WorkRequest {
  /** the work tree; absolute, a real path (no link on the way to it) */
  readonly slot: string;
  /** what is to be done; secrets in it are masked */
  readonly prompt: string;
  /** files to begin with, relative to the slot; default none */
  readonly files?: readonly string[];
  /** for transcript and notes of this piece alone; absolute, there, outside of the slot */
  readonly directory: string;
  readonly limits: WorkLimits;
  /** what a program may get of: each adapter picks the names that it knows */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** asked after every call; default: yes */
  readonly gate?: CostGate;
  /** told what happens, in order; must not throw */
  readonly on?: (event: WorkEvent) => void;
}

/** When to stop. */
export interface WorkLimits {
  /** calls of the model; >= 1. An agent that is a program is told, if it takes such a limit */
  readonly maxSteps: number;
  /** of both directions; null = none */
  readonly maxTokens: number | null;
  /** micro-dollars; null = none */
  readonly maxCostMicros: number | null;
  /** wall time of the whole work; ms, > 0 */
  readonly timeoutMs: number;
}

/** What holds when nobody says otherwise: the time is that of a task. */
export const defaultLimits = {
  maxSteps: 100,
  maxTokens: 2_000_000,
  maxCostMicros: null,
  timeoutMs: 1_800_000,
} as const satisfies WorkLimits;

/** What was spent. */
export interface WorkUsage {
  /** as the endpoint or the program calls it; null when it is not told */
  readonly model: string | null;
  readonly calls: number;
  /** those that came out of a cache included */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** null when it is not known: neither told, nor a price for the model */
  readonly costMicros: number | null;
  /** whether some tokens were not told and are guessed from the length of the texts */
  readonly isEstimated: boolean;
}

/**
 * Says whether work may go on, when `total` was spent, `added` of it since it was asked last. @returns null = yes; else why not, for
 * people
 */
export type CostGate = (spent: {
  readonly added: WorkUsage;
  readonly total: WorkUsage;
}) => Promise<string | null>;

/** Why work did not end as done. `gate` and the first four are limits. */
export type WorkReason =
  | 'steps'
  | 'tokens'
  | 'cost'
  | 'time'
  | 'gate'
  /** the agent says itself that it cannot do it */
  | 'stuck'
  /** the model's answers were none that can be acted on */
  | 'nonsense'
  /** the endpoint does not answer, or refuses */
  | 'endpoint'
  /** the program ended with another status than 0, or by a signal */
  | 'exit';

/** How work ended. `done` is the agent's own word. */
export interface WorkResult {
  readonly outcome: 'done' | 'failed' | 'limit';
  /** null when done */
  readonly reason: WorkReason | null;
  /** the agent's last words, or what was wrong; masked, at most 16 KiB */
  readonly summary: string;
  /** absolute; masked, at most 17 MiB */
  readonly transcriptFile: string;
  readonly usage: WorkUsage;
}

/** Something that happened; all texts are masked. */
export type WorkEvent =
  /** what a program printed */
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  /** what the model said */
  | { readonly type: 'said'; readonly step: number; readonly text: string }
  | {
      readonly type: 'tool';
      readonly step: number;
      readonly name: string;
      /** what it was used on, in a few words */
      readonly subject: string;
      readonly isOk: boolean;
      readonly durationMs: number;
    }
  /** a call that is made again */
  | { readonly type: 'retry'; readonly why: string; readonly delayMs: number }
  | { readonly type: 'usage'; readonly added: WorkUsage; readonly total: WorkUsage };

/** Longest summary; bytes. */
export const maxSummaryBytes = 16 * 1024;
