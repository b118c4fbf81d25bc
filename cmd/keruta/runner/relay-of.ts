/** What a runner in a pod does besides: it hands over what it prints, tells and makes, since nobody shares its disk. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFile } from '../../../internal/executor/shim/run-files.ts';
import { resultFile } from '../../../internal/runner/do-task.ts';
import { relayVariable, relayWishShape } from '../../../internal/runner/relay/frames.ts';
import { MailboxRelay } from '../../../internal/runner/relay/mailbox-relay.ts';
import { RelaySender } from '../../../internal/runner/relay/relay-sender.ts';
import type { RunnerParts } from '../../../internal/runner/run-parts.ts';
import type { Speaker } from '../../../internal/runner/speaker.ts';
import { countOomKills } from '../../../pkg/process/oom.ts';
import type { CommandContext, Writer } from '../command.ts';
import { findRun } from '../task-commands/in-run.ts';

/** How it is handed over. */
export interface Relay {
  /** whose output is handed over */
  readonly context: CommandContext;
  /** Parts whose files are handed over. */
  readonly parts: (parts: RunnerParts) => RunnerParts;
  /** The last word: everything is handed over then. @param exitCode  that this process will end with */
  readonly end: (exitCode: number) => Promise<void>;
}

/** Makes it, when it is wished. @returns null for a runner whose files are where they are wanted */
export function relayOf(context: CommandContext): Relay | null {
  const { clock, env, stdout } = context;
  const text = env[relayVariable.wish];
  if (!text) return null;
  const { key } = relayWishShape.parse(JSON.parse(text));
  const sender = new RelaySender({ key, write: (line) => stdout.write(line) });
  const run = findRun(env);
  const mailbox =
    run === null ? null : new MailboxRelay({ clock, sender, file: join(run.directory, runFile.mailbox) });
  const before = countOomKills();
  return {
    context: {
      ...context,
      stdout: relayed(stdout, sender, 'stdout'),
      stderr: relayed(stdout, sender, 'stderr'),
    },
    parts: (parts) => ({
      ...parts,
      speaker: relayedSpeaker(parts, sender),
      store: {
        upload: async (artifact) => {
          const uri = await parts.store.upload(artifact);
          if (uri.startsWith('file:')) await sender.file(fileURLToPath(uri));
          return uri;
        },
      },
    }),
    end: async (exitCode) => {
      await mailbox?.close();
      const after = countOomKills(before.file);
      await sender.end(exitCode, (after.group ?? 0) > (before.group ?? 0));
    },
  };
}

function relayed(writer: Writer, sender: RelaySender, stream: 'stdout' | 'stderr'): Writer {
  return { ...writer, isTerminal: false, write: (chunk) => sender.output(stream, Buffer.from(chunk)) };
}

/** With each word goes how far the task is: should this pod be lost, that is known. */
function relayedSpeaker({ speaker, directory }: RunnerParts, sender: RelaySender): Speaker {
  const journal = () => void sender.file(join(directory, 'journal.json'));
  return {
    progress: (...said) => speaker.progress(...said),
    log: (...said) => {
      journal();
      speaker.log(...said);
    },
    artifact: (...said) => speaker.artifact(...said),
    cost: (cost) => speaker.cost(cost),
    ended: (...said) => {
      journal();
      void sender.file(join(directory, resultFile));
      speaker.ended(...said);
    },
    print: (...said) => speaker.print(...said),
  };
}
