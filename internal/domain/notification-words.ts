/** The usual words of notifications. Pure. */
import type { NotifyEvent, NotifyWords } from './notification.ts';

/** What is known of something that happened, before words are made of it. */
export type NotifyFacts = Omit<NotifyWords, 'summary' | 'details' | 'event'> & {
  readonly event: NotifyEvent;
  /** lines that say more: `exit code 1` */
  readonly more: readonly string[];
  /** what to do, as commands */
  readonly commands: readonly string[];
};

/** Characters of what a task, a script or a question says. */
const maxMessage = 2_000;

/** Makes the usual subject and text of something that happened. */
export function wordsOf({ more, commands, ...facts }: NotifyFacts): NotifyWords {
  const message = facts.message.slice(0, maxMessage).trim();
  const summary = summaryOf(facts);
  const id = facts.taskId === null ? [] : [facts.url === null ? `task ${facts.taskId}` : `task ${facts.url}`];
  const lines = [
    ...(message === '' ? [] : [message, '']),
    ...more,
    ...id,
    ...(facts.agent === null ? [] : [`agent ${facts.agent}`]),
    `at ${facts.at}`,
    ...commands.map((command) => `$ ${command}`),
  ];
  return { ...facts, message, summary, details: lines.join('\n') };
}

function summaryOf(facts: Omit<NotifyFacts, 'more' | 'commands'>): string {
  const { workflow, task, session, failures } = facts;
  const who =
    workflow !== null
      ? `Workflow ${workflow}`
      : task !== null
        ? `Task ${task} of session ${session ?? '?'}`
        : `Session ${session ?? '?'}`;
  const times = failures !== null && failures > 1 ? `${failures} times in a row` : null;
  switch (facts.event) {
    case 'failure':
      return `${who} failed${times === null ? '' : `, ${times}`}`;
    case 'recovery':
      return `${who} succeeded again, after ${failures === 1 ? '1 failure' : `${failures ?? 0} failures`}`;
    case 'retries_exhausted':
      return `${who} failed, and its retries are used up`;
    case 'breaker_opened':
      return `The breaker of workflow ${workflow ?? '?'} opened`;
    case 'breaker_closed':
      return `The breaker of workflow ${workflow ?? '?'} closed`;
    case 'approval_asked':
      return `${who} waits for approval`;
    case 'input_waiting':
      return `${who} waits for input`;
    case 'shadow_fired':
      return `${who} would have run`;
    case 'agent_lost':
      return `${who} lost its agent`;
    case 'disk_low':
      return `An agent of session ${session ?? '?'} takes no tasks: its disk has too little left`;
  }
}
