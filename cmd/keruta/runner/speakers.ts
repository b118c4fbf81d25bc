/** Whom a runner tells what happens: the task that it is a run of, or a person. */
import { mailboxWords, type Speaker } from '../../../internal/runner/speaker.ts';
import type { CommandContext } from '../command.ts';
import { appendToMailbox, type RunPlace } from '../task-commands/in-run.ts';

/** Speaks by the mailbox of a run. What programs print is the output of the task. */
export function inRunSpeaker(context: CommandContext, run: RunPlace): Speaker {
  const tell = (words: readonly string[]) => {
    try {
      appendToMailbox(run, words);
    } catch (error) {
      context.log.warn('the task could not be told', { error });
    }
  };
  return {
    progress: (...said) => tell(mailboxWords.progress(...said)),
    log: (...said) => tell(mailboxWords.log(...said)),
    artifact: (...said) => tell(mailboxWords.artifact(...said)),
    cost: (cost) => tell(mailboxWords.cost(cost)),
    ended: (...said) => tell(mailboxWords.ended(...said)),
    print: printer(context),
  };
}

/** Shows a person what happens: sections and output; progress and log lines are in them already. */
export function personSpeaker(context: CommandContext): Speaker {
  const nothing = () => {};
  return {
    progress: nothing,
    log: nothing,
    artifact: nothing,
    cost: nothing,
    ended: nothing,
    print: printer(context),
  };
}

/** With --json stdout is for the result alone. */
function printer({ json, stdout, stderr }: CommandContext): Speaker['print'] {
  return (stream, bytes) => (stream === 'stdout' && !json ? stdout : stderr).write(bytes);
}
