/** Shows a playbook that runs: a section for each step, its output in it; or one line of JSON for each event. */
import {
  attemptText,
  outcomeText,
  shortDuration,
  stepTitle,
} from '../../../internal/playbook/event-words.ts';
import type { PlaybookEvent, PlaybookResult, StepResult } from '../../../internal/playbook/playbook.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';
import { printJson, styleOf } from './print.ts';

/** A view of one run. */
export interface PlaybookView {
  on(event: PlaybookEvent): Promise<void>;
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
  /** The last word. */
  end(result: PlaybookResult): Promise<void>;
}

/** Makes the view that the command line asks for. */
export function makePlaybookView(
  context: CommandContext,
  told: { readonly name: string; readonly count: number },
): PlaybookView {
  return context.json ? jsonView(context, told) : textView(context, told);
}

function textView(
  { stdout, stderr, ...context }: CommandContext,
  told: { readonly name: string; readonly count: number },
): PlaybookView {
  const style = styleOf({ stdout, stderr, ...context });
  const paints: Readonly<Record<StepResult['status'], (text: string) => string>> = {
    success: style.green,
    failure: style.red,
    cancelled: style.yellow,
    skipped: style.dim,
  };
  let isLineStart = true;
  const line = async (text: string) => {
    await stdout.write(`${isLineStart ? '' : '\n'}${text}\n`);
    isLineStart = true;
  };
  return {
    output: async (stream, bytes) => {
      await (stream === 'stdout' ? stdout : stderr).write(bytes);
      if (stream === 'stdout' || stderr.isTerminal) isLineStart = bytes.at(-1) === 10;
    },
    on: async (event) => {
      const title = visible(stepTitle(event.step, told.count));
      if (event.type === 'step-started') await line(style.bold(`==> ${title}`));
      if (event.type === 'attempt-started' && event.attempt > 1)
        await line(style.bold(`--> ${title}: attempt ${event.attempt}`));
      if (event.type === 'attempt-ended') {
        const { again, end } = event.attempt;
        for (const note of end.notes) await line(style.dim(`    ${visible(note)}`));
        if (again) await line(style.yellow(`<-- ${title}: ${visible(attemptText(event.attempt))}`));
      }
      if (event.type !== 'step-ended') return;
      const { status } = event.result;
      const text = `${title}: ${visible(outcomeText(event.result))}`;
      if (event.before) await line(style.dim(`--- ${text}, in an earlier start`));
      else await line(paints[status](`${status === 'skipped' ? '---' : '<=='} ${text}`));
    },
    end: async ({ status, steps, durationMs }) => {
      const counts = (['success', 'failure', 'cancelled', 'skipped'] as const)
        .map((one) => [steps.filter((step) => step.status === one).length, one] as const)
        .filter(([count]) => count > 0)
        .map(([count, one]) => `${count} ${one}`);
      const text = `${visible(told.name)}: ${status}, ${shortDuration(durationMs)} (${counts.join(', ')})`;
      await line(style.bold(paints[status](text)));
    },
  };
}

function jsonView(context: CommandContext, told: { readonly count: number }): PlaybookView {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return {
    output: async (stream, bytes) => {
      const text = decoders[stream].decode(bytes, { stream: true });
      if (text !== '') await printJson(context, { type: 'output', stream, text });
    },
    on: async ({ type, step: { index, name }, ...rest }) => {
      const step = { index, name, count: told.count };
      const more = 'attempt' in rest && typeof rest.attempt === 'object' ? rest.attempt : rest;
      await printJson(context, { type, step, ...more });
    },
    end: (result) => printJson(context, { type: 'end', ...result }),
  };
}
