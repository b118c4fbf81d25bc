/** Shows a task that is followed: its output as it comes, and on a terminal a line with its progress. */
import { TerminalGuard } from '../../../pkg/terminal/guard.ts';
import { progressBar, StatusLine } from '../../../pkg/terminal/progress.ts';
import { cutTo, visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';
import type { FollowEvents, Standing } from './follow.ts';
import { shortId } from './print.ts';

/** A view, and what it needs at the end. */
export interface LiveView extends FollowEvents {
  /** Says something on stderr without breaking the progress line. */
  say(text: string): Promise<void>;
  /** Takes the progress line away. */
  end(): Promise<void>;
}

/** What is said where output is left out: how much, and how to get it. @param stream undefined: of both together */
export function elisionNote(taskId: string, stream: string | undefined, elidedBytes: number): string {
  const only = stream === undefined ? '' : ` --stream ${stream}`;
  return `${elidedBytes} bytes of ${stream ?? 'the output'} are left out; keruta task logs ${shortId(taskId)}${only} --all prints everything`;
}

/**
 * Makes a view.
 * @param show.output    false: output is not shown
 * @param show.progress  false: no progress line, not even on a terminal
 */
export function makeLiveView(
  context: CommandContext,
  taskId: string,
  show: { readonly progress: boolean },
): LiveView {
  const { stdout, stderr } = context;
  const line =
    show.progress && stderr.isTerminal && !context.json ? new StatusLine((text) => stderr.write(text)) : null;
  // what a task prints may not steer the terminal of whoever looks at it
  const guards = {
    stdout: stdout.isTerminal ? new TerminalGuard() : null,
    stderr: stderr.isTerminal ? new TerminalGuard() : null,
  };
  let standing: Standing = {};
  // A progress line may only stand where a line begins, or it would wipe out what the script has written there.
  let isLineStart = true;

  const draw = async () => {
    if (!line || !isLineStart || standing.status === undefined) return;
    const { status, progress = 0, message = '' } = standing;
    const head = `${shortId(taskId)} ${status.toLowerCase().replaceAll('_', ' ')} `;
    const isRunning = status === 'PROCESSING' || status === 'WAITING_FOR_INPUT';
    const left = stderr.columns - head.length - 1;
    await line.show(
      head + (isRunning ? progressBar(progress, message, left) : cutTo(visible(message), Math.max(1, left))),
    );
  };
  const tell = (event: Readonly<Record<string, unknown>>) => stdout.write(`${JSON.stringify(event)}\n`);

  const say = async (text: string) => {
    await line?.clear();
    await stderr.write(`${isLineStart ? '' : '\n'}keruta: ${text}\n`);
    isLineStart = true;
    await draw();
  };

  return {
    output: async (stream, text) => {
      if (context.json) return tell({ type: 'output', taskId, stream, text });
      await line?.clear();
      await (stream === 'stdout' ? stdout : stderr).write(guards[stream]?.push(text) ?? text);
      isLineStart = text.endsWith('\n');
      await draw();
    },
    elided: async (stream, elidedBytes) => {
      if (context.json) return tell({ type: 'elided', taskId, stream, elidedBytes });
      await say(elisionNote(taskId, stream, elidedBytes));
    },
    standing: async (next) => {
      const before = standing;
      standing = { ...standing, ...next };
      if (context.json) return tell({ type: 'standing', taskId, ...standing });
      if (next.status === 'WAITING_FOR_INPUT' && before.status !== 'WAITING_FOR_INPUT') {
        await line?.clear();
        const question = next.message ? `: ${visible(next.message)}` : '';
        await stderr.write(
          `${isLineStart ? '' : '\n'}keruta: the task waits for an answer${question}; keruta task input ${shortId(taskId)} ANSWER\n`,
        );
        isLineStart = true;
      }
      await draw();
    },
    reconnect: () => context.log.debug('the connection was lost; it is made again'),
    say,
    end: async () => {
      await line?.clear();
      await stdout.write(guards.stdout?.end() ?? '');
      await stderr.write(guards.stderr?.end() ?? '');
    },
  };
}
