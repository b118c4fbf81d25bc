/** What people are told: written down in the transaction that makes it happen, and sent by `notify-loop`. */
import {
  type FailureCount,
  type FullRule,
  fillTemplate,
  fullRules,
  isWanted,
  type Notification,
  type NotifyDefaults,
  type NotifyEvent,
  type NotifyMessage,
  type NotifyWords,
} from '../../domain/notification.ts';
import { type NotifyFacts, wordsOf } from '../../domain/notification-words.ts';
import type { Task } from '../../domain/task.ts';
import type { Workflow } from '../../domain/workflow.ts';
import type { Reads, Transaction } from '../../store/store.ts';
import type { SessionParts } from '../parts.ts';
import { toInstant } from '../wire.ts';

/** Something that people may want to know. */
export interface News {
  readonly what: FailureCount;
  /** what is told again under the same key is told once to a channel */
  readonly key: string;
  /** null = it is of no workflow; then the server's own rules count */
  readonly workflow: Workflow | null;
  /** null = it is of no task */
  readonly task: Task | null;
  /** `store.now()`; epoch ms */
  readonly now: number;
  readonly session?: string;
  readonly agent?: string;
  /** default: what the task says */
  readonly message?: string;
  readonly more?: readonly string[];
  readonly commands?: readonly string[];
}

/** Most characters of a subject and a text. */
const maxSubject = 250;
const maxText = 8_000;

/** Writes down what is to be told, for each channel that wants it. Nothing is sent before the transaction has committed. */
export async function announce(tx: Transaction, parts: SessionParts, news: News): Promise<void> {
  const { what, key, workflow, now } = news;
  const wanted = wantedChannels(rulesOf(parts, workflow), what);
  if (wanted.size === 0) return;
  const words = wordsOf(await factsOf(tx, parts, news));
  const rows = [...wanted].map(
    ([channel, rule]): Notification => ({
      ...{ id: parts.random.uuid7(now), dedupKey: `${key} ${channel}`, channel, event: what.event },
      message: messageOf(rule, words),
      ...{
        state: 'waiting',
        createdAt: now,
        dueAt: now,
        tries: 0,
        takenUntil: 0,
        error: null,
        settledAt: null,
      },
    }),
  );
  if ((await tx.insertNotifications(rows)) > 0) tx.notify('notifications');
}

/** Whether anybody wants to know of one of these at all: what is counted for nobody need not be counted. */
export function isAnyWanted(
  parts: SessionParts,
  workflow: Workflow | null,
  events: readonly NotifyEvent[],
): boolean {
  return rulesOf(parts, workflow).some(
    ({ to, on }) => to.length > 0 && on.some((event) => events.includes(event)),
  );
}

const nobody: NotifyDefaults = { to: [], on: [], failures: [] };

function rulesOf({ notify }: SessionParts, workflow: Workflow | null): readonly FullRule[] {
  // definitions of older servers have no such field
  return fullRules(workflow?.definition.notify ?? null, notify?.defaults ?? nobody);
}

/** A channel is told once, in the words of the first rule that names it. */
function wantedChannels(rules: readonly FullRule[], what: FailureCount): ReadonlyMap<string, FullRule> {
  const channels = new Map<string, FullRule>();
  for (const rule of rules)
    if (isWanted(rule, what))
      for (const channel of rule.to) if (!channels.has(channel)) channels.set(channel, rule);
  return channels;
}

function messageOf({ subject, text }: FullRule, words: NotifyWords): NotifyMessage {
  const filled = (template: string | null, usual: string) =>
    template === null ? usual : fillTemplate(template, words);
  return {
    subject: filled(subject, words.summary).slice(0, maxSubject),
    text: filled(text, words.details).slice(0, maxText),
    words,
  };
}

async function factsOf(reads: Reads, parts: SessionParts, news: News): Promise<NotifyFacts> {
  const { what, workflow, task, now } = news;
  const session = task === null ? null : await reads.session(task.sessionId);
  const publicUrl = parts.notify?.publicUrl ?? null;
  return {
    event: what.event,
    workflow: workflow?.name ?? null,
    session: news.session ?? session?.name ?? null,
    task: task?.name ?? null,
    taskId: task?.id ?? null,
    agent: news.agent ?? null,
    failures: 'failures' in what ? what.failures : null,
    message: news.message ?? task?.message ?? '',
    url: task === null || publicUrl === null ? null : `${publicUrl}/api/v1/tasks/${task.id}`,
    at: toInstant(now),
    more: news.more ?? [],
    commands: news.commands ?? [],
  };
}
