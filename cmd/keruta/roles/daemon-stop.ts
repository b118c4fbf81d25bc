import { NotFoundError, UnavailableError } from '../../../internal/domain/errors.ts';
import { signalProcess } from '../../../pkg/process/proc.ts';
import { identityOf, isAlive } from '../../../pkg/process/process-identity.ts';
import { type CommandContext, command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { readPidFile } from './pid-file.ts';

const lookEveryMs = 50;

/** `keruta daemon stop` */
export const daemonStop = command({
  name: 'daemon stop',
  summary: 'Stops the agent in the background and waits until it is gone; the task that runs may end first.',
  positionals: {},
  options: {
    'pid-file': fromSetting('pidFile'),
    timeout: { kind: 'duration', default: 60_000, doc: 'after this time the task is cancelled' },
    now: { kind: 'bool', doc: 'cancel the task at once' },
  },
  examples: ['keruta daemon stop', 'keruta daemon stop --now'],
  exits: { 4: 'no agent runs' },
  run: async (context, { timeout, now }) => {
    const { values } = await context.settings();
    const { daemonPlaces } = await import('./places.ts');
    const { pidFile, stateFile } = daemonPlaces(values);
    const process = readPidFile(pidFile);
    if (process === null) {
      const { readAgentFile } = await import('./ask-agent.ts');
      const other = readAgentFile(stateFile);
      const isThere = other !== null && identityOf(other.pid) !== null;
      throw new NotFoundError(
        'KERUTA_ERR_FILE_NOT_FOUND',
        isThere
          ? `no agent runs in the background; process ${other.pid} runs one where it was started: end it there, or with kill ${other.pid}`
          : `no agent runs (there is no live process in ${pidFile})`,
      );
    }
    // not when its PID file is gone: it removes that while it ends
    const isGone = () => !isAlive(process);
    // The stages of the agent: let the task end, cancel it, leave.
    const stages = now
      ? [0, values.cancelGrace + 10_000, 5000]
      : [timeout, values.cancelGrace + 10_000, 5000];
    for (const waitMs of stages) {
      signalProcess(process, 'SIGTERM');
      if (await waitFor(context, isGone, waitMs)) {
        if (context.json)
          await context.stdout.write(`${JSON.stringify({ pid: process.pid, stopped: true })}\n`);
        else await context.stdout.write(`the agent (process ${process.pid}) has stopped\n`);
        return 0;
      }
    }
    throw new UnavailableError(
      'KERUTA_ERR_AGENT_ENDED',
      `process ${process.pid} does not stop; end it by hand: kill -9 ${process.pid}`,
    );
  },
});

async function waitFor(context: CommandContext, isTrue: () => boolean, waitMs: number): Promise<boolean> {
  const until = context.clock.monotonicMs() + waitMs;
  for (;;) {
    if (isTrue()) return true;
    if (context.clock.monotonicMs() >= until) return false;
    await context.clock.sleep(lookEveryMs, context.signal);
  }
}
