import type { WorkEvent, WorkUsage } from '../../coder/coding-agent.ts';
import type { TaskRun } from '../task-run.ts';
import { sumOf } from './spent.ts';

/** Tells what the agent does: its words as output, what it spends as cost. */
export function listen(
  run: TaskRun,
  { round, before }: { readonly round: number; readonly before: WorkUsage | null },
) {
  const { speaker } = run.parts;
  const { journal } = run;
  // one behind the other, however fast they come
  let printing = Promise.resolve();
  const print = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => {
    if (text !== '') printing = printing.then(() => speaker.print(stream, Buffer.from(text)));
  };
  const on = (event: WorkEvent): void => {
    if (event.type === 'output') print(event.text, event.stream);
    if (event.type === 'said') print(`${event.text.trimEnd()}\n`);
    if (event.type === 'tool')
      print(`    [${event.step}] ${event.name} ${event.subject}${event.isOk ? '' : ' (refused)'}\n`);
    if (event.type === 'retry')
      speaker.log('WARN', `${event.why}; tried again in ${Math.round(event.delayMs / 1000)} s`);
    if (event.type !== 'usage') return;
    const { added, total } = event;
    // before it is written down: whoever is killed in between has told what was spent
    speaker.cost({
      micro: added.costMicros ?? 0,
      key: `${run.task.id}:${round}:${total.calls}:${total.tokensIn}:${total.tokensOut}`,
      ...{ tokensIn: added.tokensIn, tokensOut: added.tokensOut, model: added.model },
    });
    journal.state.usage = sumOf(before, total);
    journal.save();
  };
  return { on, end: () => printing };
}
