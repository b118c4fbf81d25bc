import type { ApiClient } from '../../../internal/api/client/client.ts';
import { ConflictError, NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { agentOptions } from './agent-flags.ts';
import { tellAddress } from './server.ts';
import { serverOptions } from './server-flags.ts';

/** `keruta up` */
export const up = command({
  name: 'up',
  summary: 'Runs server and agent in one process: everything that one machine needs.',
  description:
    'The agent works in the session of --session-id, else in the session `default`, which is made when it is not there; each ' +
    'session that a workflow names gets an agent of its own. ' +
    'SIGTERM lets the task end, a second one cancels it, a third one leaves at once.',
  positionals: {},
  options: {
    'session-id': fromSetting('sessionId', { aliases: ['session'] }),
    ...serverOptions,
    ...agentOptions,
    'agent-host': fromSetting('daemonHost'),
    'agent-port': fromSetting('daemonPort'),
  },
  examples: ['keruta up', 'keruta up --port 0 --session-id website --allow-local-git'],
  run: async (context) => {
    const loaded = await context.settings();
    const settings = { ...loaded, values: { ...loaded.values, keepAlive: true } };
    const { values } = settings;
    const { withLog } = await import('./open-log.ts');
    const { startServer } = await import('./start-server.ts');
    const { startAgent } = await import('./start-agent.ts');
    const { stopInStages } = await import('./stages.ts');
    const { writePidFile } = await import('./pid-file.ts');
    const { hostWorkflows } = await import('./workflow-agents.ts');
    const { AgentControl } = await import('../../../internal/worker/control.ts');
    const { WatchBoard } = await import('../../../internal/worker/watch/watch-board.ts');
    const { ownDirectory } = await import('../../../internal/worker/own-directory.ts');
    ownDirectory(values.baseDir, context.uid);
    // A token for another API is of no use here; the file that `daemon start` made for it must not stay.
    (await import('./hand-over.ts')).takeHandedToken();
    return withLog(context, values, async (log) => {
      const control = new AgentControl();
      const removePid = values.pidFile === null ? () => {} : writePidFile(values.pidFile, process.pid);
      const giveBack = stopInStages(context, control, log);
      try {
        const started = await startServer(context, values, log);
        try {
          await tellAddress(context, started);
          const access = { url: started.url, token: started.token };
          const { secretVariables: withheld, hostedSessions: sessions } = started;
          const agent = { context, settings, access, control, log, withheld, board: new WatchBoard() };
          let own = '';
          const isServed = (id: string) => id === own;
          const { sessionsWithWork: withWork } = started;
          const umask = process.umask();
          const others = hostWorkflows(agent, { sessions, withWork, isServed, umask });
          try {
            await startAgent({
              ...agent,
              findSession: async (client) => {
                const session = await sessionOf(client, values.sessionId);
                own = session.id;
                return session;
              },
            });
          } catch (error) {
            // the other agents would go on, and the fault would be told at the end of all
            control.stop('drain');
            throw error;
          } finally {
            await others.ended;
          }
        } finally {
          await started.close();
        }
        return 0;
      } finally {
        giveBack();
        removePid();
      }
    });
  },
});

/** The session to work in: the one that is named, else `default`, made when it is not there. */
async function sessionOf(client: ApiClient, named: string | null): Promise<{ readonly id: string }> {
  const { resolveSession } = await import('../../../internal/api/discovery.ts');
  const { defaultSessionName } = await import('../people/find.ts');
  const wanted = { sessionId: named ?? defaultSessionName };
  try {
    return await resolveSession(client, wanted);
  } catch (error) {
    if (!(error instanceof NotFoundError) || named !== null) throw error;
    return client.sessions.create({ name: defaultSessionName }).catch((again: unknown) => {
      if (again instanceof ConflictError) return resolveSession(client, wanted);
      throw again;
    });
  }
}
