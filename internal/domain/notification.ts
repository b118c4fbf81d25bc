/** What people are told of, when, and through which channels. Pure. Times are epoch ms. */

/** Everything that people can be told of, with what it is. Names are promises: they stand in workflows and messages. */
export const notifyEventDocs = {
  failure: 'a task failed, and is not tried again by itself',
  recovery: 'the first success after failures that were told',
  retries_exhausted: 'a task that was tried again failed for the last time',
  breaker_opened: 'the breaker of a workflow opened: nothing of it runs for a while',
  breaker_closed: 'the breaker of a workflow closed again',
  approval_asked: 'a run waits for somebody to say yes',
  input_waiting: 'a task waits for an answer',
  shadow_fired: 'a trigger fell due of which nothing is run, because its policy says `mode: shadow`',
  agent_lost: 'nothing was heard in time of the agent that runs a task',
  disk_low: 'an agent takes no tasks, because its disk has too little left',
} as const;
/** @see notifyEventDocs */
export type NotifyEvent = keyof typeof notifyEventDocs;
/** In the order of the reference. */
export const notifyEvents = Object.keys(notifyEventDocs) as readonly NotifyEvent[];

/** One line of what a workflow, or a server, wants to be told where. null = as the server does without it */
export interface NotifyRule {
  /** names of channels; none = nobody */
  readonly to: readonly string[] | null;
  readonly on: readonly NotifyEvent[] | null;
  /** which failures in a row; ascending. @see isFailureTold */
  readonly failures: readonly number[] | null;
  /** words instead of the usual ones. @see fillTemplate */
  readonly subject: string | null;
  readonly text: string | null;
}

/** What holds where a rule says nothing. */
export interface NotifyDefaults {
  readonly to: readonly string[];
  readonly on: readonly NotifyEvent[];
  readonly failures: readonly number[];
}

/** Usual defaults, but for the channels. A failure that used up its retries is told as a failure; both would be twice the same. */
export const notifyDefaults = {
  on: notifyEvents.filter((event) => event !== 'retries_exhausted'),
  failures: [1, 3, 5],
} as const satisfies Omit<NotifyDefaults, 'to'>;

/** Failures that a rule may name. */
export const maxFailures = 20;

/** One message on its way, or that was. */
export interface Notification {
  /** UUIDv7; the receiver sees it, and knows by it what came twice */
  readonly id: string;
  /** unique: what is told to one channel, once */
  readonly dedupKey: string;
  readonly channel: string;
  readonly event: NotifyEvent;
  readonly message: NotifyMessage;
  /** `waiting` until a channel took it; `dead`: nobody tries any more */
  readonly state: 'waiting' | 'sent' | 'dead';
  readonly createdAt: number;
  /** when it is to be sent; null: it was, or is dead */
  readonly dueAt: number | null;
  /** how often it was begun to be sent */
  readonly tries: number;
  /** until when a server has it; 0 = none has */
  readonly takenUntil: number;
  /** why it was not taken the last time; null = it was, or nobody tried. Nothing of what the other side answered */
  readonly error: string | null;
  /** when it was sent or given up; null = neither */
  readonly settledAt: number | null;
}

/** What a message says. */
export interface NotifyMessage {
  /** one line */
  readonly subject: string;
  readonly text: string;
  readonly words: NotifyWords;
}

/** What is known of something that happened; null = it has no such thing. These are the words of templates. */
export interface NotifyWords {
  /** @see notifyEvents */
  readonly event: string;
  /** the usual subject */
  readonly summary: string;
  /** the usual text */
  readonly details: string;
  readonly workflow: string | null;
  readonly session: string | null;
  /** its name */
  readonly task: string | null;
  readonly taskId: string | null;
  readonly agent: string | null;
  /** in a row, with this one; of a recovery: those that are over */
  readonly failures: number | null;
  /** what the task said of its end, what is asked, … */
  readonly message: string;
  /** of the task, on the server; null when the server has no address for people */
  readonly url: string | null;
  /** when it happened; RFC 3339 */
  readonly at: string;
}

/** What a template may name, with what it stands for. */
export const templateWords: Readonly<Record<keyof NotifyWords, string>> = {
  event: 'the name of the event, such as `failure`',
  summary: 'the usual subject',
  details: 'the usual text',
  workflow: 'name of the workflow',
  session: 'name of the session',
  task: 'name of the task',
  taskId: 'its id',
  agent: 'id of the agent',
  failures: 'failures in a row',
  message: 'what the task said of its end; what is asked',
  url: 'address of the task on the server',
  at: 'when it happened',
};

const placeholder = /\{(\w+)\}/g;

/** Puts words in the place of `{name}`; what is not there is left out, what is no word is left as it is. No code runs. */
export function fillTemplate(template: string, words: NotifyWords): string {
  return template.replace(placeholder, (whole, name: string) => {
    if (!Object.hasOwn(templateWords, name)) return whole;
    return String(words[name as keyof NotifyWords] ?? '');
  });
}

/** The placeholders of a template that name nothing. */
export function unknownWords(template: string): readonly string[] {
  const names = [...template.matchAll(placeholder)].map(([, name = '']) => name);
  return names.filter((name) => !Object.hasOwn(templateWords, name));
}

/**
 * Whether the n-th failure in a row is told: when it is one of these, and behind the last of them whenever the number has
 * doubled. 1, 3, 5 go on with 10, 20, 40, …: something that fails all night is not silent, and not a flood.
 */
export function isFailureTold(failures: readonly number[], n: number): boolean {
  let last = failures.at(-1) ?? Number.POSITIVE_INFINITY;
  if (n <= last) return failures.includes(n);
  while (last < n) last *= 2;
  return last === n;
}

/** Whether a success is told after so many failures in a row: when one of them was. */
export function isRecoveryTold(failures: readonly number[], before: number): boolean {
  return before >= (failures[0] ?? Number.POSITIVE_INFINITY);
}

/** A rule with nothing left open. */
export type FullRule = NotifyDefaults & Pick<NotifyRule, 'subject' | 'text'>;

/** The rules of a workflow, or those of the server where it has none. @param own  null = none of its own */
export function fullRules(
  own: readonly NotifyRule[] | null,
  { to, on, failures }: NotifyDefaults,
): readonly FullRule[] {
  if (own === null) return [{ to, on, failures, subject: null, text: null }];
  return own.map((rule) => ({
    to: rule.to ?? to,
    on: rule.on ?? on,
    failures: rule.failures ?? failures,
    subject: rule.subject,
    text: rule.text,
  }));
}

/** How many failures in a row there were, where that matters. */
export type FailureCount =
  | { readonly event: 'failure' | 'recovery'; readonly failures: number }
  | { readonly event: Exclude<NotifyEvent, 'failure' | 'recovery'> };

/** Whether a rule wants to tell this. */
export function isWanted(rule: FullRule, what: FailureCount): boolean {
  if (!rule.on.includes(what.event)) return false;
  if (what.event === 'failure') return isFailureTold(rule.failures, what.failures);
  return what.event !== 'recovery' || isRecoveryTold(rule.failures, what.failures);
}
