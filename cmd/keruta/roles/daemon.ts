import { command } from '../command.ts';
import { daemonOptions } from './agent-flags.ts';

/** `keruta daemon` */
export const daemon = command({
  name: 'daemon',
  summary:
    'Runs the agent of a workspace in the foreground: it takes the tasks of its session one after another.',
  description:
    'The session is found by --session-id, by the workspace, or by the name of the workspace. The agent ends with 0 when ' +
    'its session has ended and everything is delivered. SIGTERM lets the task end, a second one cancels it, a third one ' +
    'leaves at once: the run goes on, and the next agent takes it up.',
  positionals: {},
  options: daemonOptions,
  examples: [
    'keruta daemon --session-id session-123',
    'keruta daemon --poll-interval 10 --port 8080',
    'keruta daemon --once --exit-on-idle 5m',
  ],
  beforeSignals: async (context) => {
    const { values } = await context.settings();
    const { leaveTokenBehind } = await import('./hand-over.ts');
    const { ownDirectory } = await import('../../../internal/worker/own-directory.ts');
    ownDirectory(values.baseDir, context.uid);
    leaveTokenBehind(values.baseDir, context.clock.now());
  },
  run: async (context) => {
    const settings = await context.settings();
    const { values } = settings;
    const handed = (await import('./hand-over.ts')).takeHandedToken();
    const { findAccess } = await import('../client.ts');
    const { withLog } = await import('./open-log.ts');
    const { startAgent } = await import('./start-agent.ts');
    const { stopInStages } = await import('./stages.ts');
    const { makeNotice } = await import('./supervisor-notice.ts');
    const { writePidFile } = await import('./pid-file.ts');
    const { resolveSession, workspaceName } = await import('../../../internal/api/discovery.ts');
    const { AgentControl } = await import('../../../internal/worker/control.ts');
    const { hostname } = await import('node:os');

    return withLog(context, values, async (log) => {
      const control = new AgentControl();
      const notice = makeNotice({ clock: context.clock, log, env: process.env, pid: process.pid });
      const giveBack = stopInStages(context, control, log);
      const removePid = values.pidFile === null ? () => {} : writePidFile(values.pidFile, process.pid);
      try {
        const access = findAccess(settings);
        const names = {
          coderWorkspaceName: values.workspaceName ?? undefined,
          hostname: hostname(),
          directory: context.env.PWD ?? context.cwd,
        };
        const hints = {
          sessionId: values.sessionId,
          workspaceId: values.workspaceId,
          workspaceName: workspaceName(names),
        };
        await startAgent({
          context,
          settings,
          access: handed === null ? access : { ...access, token: handed },
          control,
          log,
          findSession: (client) => resolveSession(client, hints, control.draining),
          onReady: (status) => notice.ready(() => status.isAlive()),
        });
        return 0;
      } finally {
        await notice.stopping();
        removePid();
        giveBack();
      }
    });
  },
});
