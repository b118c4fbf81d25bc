import type { AgentControl } from '../../../internal/worker/control.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { CommandContext } from '../command.ts';

/**
 * Lets signals stop an agent in stages: the first drains, the second cancels the task, the third leaves at once.
 * @returns gives the signals back
 */
export function stopInStages(context: CommandContext, control: AgentControl, log: Log): () => void {
  const says = ['no further task is taken', 'the task is cancelled', 'leaving; what runs goes on'];
  return context.onStop((signal, count) => {
    log.info(`${signal}: ${says[Math.min(count, says.length) - 1] ?? ''}`);
    control.escalate();
  });
}
