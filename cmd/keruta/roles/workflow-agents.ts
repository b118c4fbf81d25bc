/** Agents for the sessions of workflows, inside `keruta up`: one for each, as many as the settings allow. */
import { join } from 'node:path';
import type { HostedSession } from '../../../internal/session/hosted-sessions.ts';
import type { AgentStatus } from '../../../internal/worker/agent-status.ts';
import { AgentControl } from '../../../internal/worker/control.ts';
import { ownDirectory } from '../../../internal/worker/own-directory.ts';
import { RestartPauses } from './restart-pauses.ts';
import { shareAgents } from './share-agents.ts';
import { type AgentStart, startAgent } from './start-agent.ts';

/** How often it is looked which sessions there are; ms. */
const lookEveryMs = 1_000;
/** So many agents begin at once: a hundred would hold up the server beside them for seconds. */
const mostBeginning = 4;

/** What all agents of the process have in common. */
export type CommonStart = Pick<
  AgentStart,
  'context' | 'settings' | 'access' | 'control' | 'log' | 'withheld' | 'board'
>;

/** Agents that come and go. */
export interface WorkflowAgents {
  /** Resolves when the control was told to stop and all of them have ended. */
  readonly ended: Promise<void>;
}

/** What is known here of the agent of a session. */
interface Hosted {
  /** monotonic ms */
  readonly since: number;
  readonly control: AgentControl;
  /** null until it is ready */
  status: AgentStatus | null;
  readonly ended: Promise<void>;
}

/**
 * Hosts the sessions that enabled workflows name. With more of them than agents those take turns, see `shareAgents`.
 * @param options.sessions  those that need an agent
 * @param options.withWork  those of some sessions in which an agent has something to do
 * @param options.isServed  whether another agent of this process has the session
 * @param options.umask  file mode mask of scripts
 */
export function hostWorkflows(
  start: CommonStart,
  options: {
    readonly sessions: () => Promise<readonly HostedSession[]>;
    readonly withWork: (sessionIds: readonly string[]) => Promise<ReadonlySet<string>>;
    readonly isServed: (sessionId: string) => boolean;
    readonly umask: number;
  },
): WorkflowAgents {
  const { context, settings, control, log } = start;
  const { clock } = context;
  const { maxWorkers, baseDir } = settings.values;
  const running = new Map<string, Hosted>();
  const servedAt = new Map<string, number>();
  const pauses = new RestartPauses({ clock, log, random: context.random });
  let bell = new AbortController();
  let isTold = false;
  return { ended: goOn() };

  async function goOn(): Promise<void> {
    while (!control.draining.aborted && maxWorkers > 0) {
      bell = new AbortController();
      try {
        await look();
      } catch (error) {
        log.debug('the sessions of workflows could not be looked at', { error });
      }
      const until = AbortSignal.any([control.draining, bell.signal]);
      await clock.sleep(lookEveryMs, until).catch(() => {});
    }
    await Promise.all([...running.values()].map(({ ended }) => ended));
  }

  async function look(): Promise<void> {
    const sessions = (await options.sessions()).filter(({ id }) => !options.isServed(id));
    const wanted = sessions.map(({ id }) => id).filter((id) => pauses.mayStart(id));
    const watching = sessions.filter(({ watchesFiles }) => watchesFiles).map(({ id }) => id);
    const staying = stayingOf(watching, wanted.length > maxWorkers);
    const all = new Set([...wanted, ...running.keys()]);
    // nobody is to leave: then it does not matter who has work
    const isQuiet = all.size <= maxWorkers && all.size === wanted.length;
    const answer = shareAgents({
      ...{ most: maxWorkers, wanted, staying, servedAt, now: clock.monotonicMs() },
      withWork: isQuiet ? new Set() : await options.withWork([...all]),
      hosted: [...running].map(([session, agent]) => ({
        session,
        since: agent.since,
        isBusy: agent.status === null || agent.status.task !== null,
        isLeaving: agent.control.draining.aborted,
      })),
    });
    for (const id of answer.leave) running.get(id)?.control.stop('drain');
    const beginning = [...running.values()].filter(({ status }) => status === null).length;
    for (const id of answer.start.slice(0, Math.max(0, mostBeginning - beginning))) begin(id);
  }

  /** Sessions whose agents never have nothing to do, since they watch files. One agent is left to those that take turns. */
  function stayingOf(watching: readonly string[], isCrowded: boolean): ReadonlySet<string> {
    const most = isCrowded ? Math.max(0, maxWorkers - 1) : watching.length;
    if (watching.length > most && !isTold)
      log.warn('more sessions watch files than there are agents to do it: some are not watched', {
        sessions: watching.length,
        maxWorkers,
        remedy: 'raise KERUTA_MAX_WORKERS',
      });
    isTold = watching.length > most;
    return new Set(watching.slice(0, most));
  }

  function begin(id: string): void {
    const own = new AgentControl(control);
    const since = clock.monotonicMs();
    const ended = host(id, own)
      .catch((error: unknown) => {
        const waitMs = pauses.failed(id, clock.monotonicMs() - since, error);
        log.error('the agent of a workflow ended; it is started again', { sessionId: id, error, waitMs });
      })
      .finally(() => {
        running.delete(id);
        servedAt.set(id, clock.monotonicMs());
        // its place is free; after a failure the next look comes in its time
        if (own.draining.aborted) bell.abort();
        own.stop('drain');
      });
    running.set(id, { since, control: own, status: null, ended });
  }

  async function host(id: string, own: AgentControl): Promise<void> {
    const directory = join(baseDir, 'workers', id);
    ownDirectory(join(baseDir, 'workers'), context.uid);
    const values = {
      ...settings.values,
      baseDir: directory,
      pidFile: null,
      workingDir: null,
      keepAlive: true,
      exitOnIdle: null,
    };
    await startAgent({
      ...start,
      control: own,
      settings: { ...settings, values },
      beside: { umask: options.umask },
      findSession: async () => ({ id }),
      onReady: (status) => {
        const agent = running.get(id);
        if (agent) agent.status = status;
        // the next one may begin
        bell.abort();
      },
    });
  }
}
