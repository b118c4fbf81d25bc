import { z } from 'zod';
import { visible } from '../../../pkg/terminal/text.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printFields, printJson, span } from '../people/print.ts';
import { readServerState } from '../server-state.ts';

const healthShape = z.looseObject({ status: z.string(), reasons: z.array(z.string()).default([]) });
const statusShape = z.looseObject({
  status: z.string(),
  task: z.looseObject({ id: z.string(), name: z.string() }).nullable(),
  watchers: z
    .array(
      z.looseObject({
        workflow: z.string(),
        trigger: z.string(),
        path: z.string(),
        state: z.string(),
        note: z.string().nullable(),
        files: z.number(),
        events: z.number(),
        unsent: z.number(),
      }),
    )
    .default([]),
});

type Watcher = z.output<typeof statusShape>['watchers'][number];

function watcherText({ workflow, trigger, path, state, note, files, events, unsent }: Watcher): string {
  const waiting = unsent === 0 ? '' : `, ${unsent} not handed in`;
  return `${workflow}/${trigger} ${path} ${state}, ${files} files, ${events} events${waiting}${note === null ? '' : `: ${note}`}`;
}

/** `keruta daemon status` */
export const daemonStatus = command({
  name: 'daemon status',
  summary: 'Says whether the agent runs, for which session, where, how it is, and what fires its tasks.',
  description:
    'The agent is asked on its socket in the base directory; health is `unknown` when it does not answer. ' +
    'Scheduled jobs and last errors are the server’s to tell, with a token that covers workflows.',
  positionals: {},
  options: { 'pid-file': fromSetting('pidFile') },
  examples: ['keruta daemon status', 'keruta daemon status --json'],
  exits: { 4: 'no agent runs' },
  run: async (context) => {
    const { values } = await context.settings();
    const { daemonPlaces } = await import('./places.ts');
    const { readPidFile } = await import('./pid-file.ts');
    const { identityOf } = await import('../../../pkg/process/process-identity.ts');
    const { askAgent, readAgentFile } = await import('./ask-agent.ts');
    const places = daemonPlaces(values);
    const state = readAgentFile(places.stateFile);
    const pid =
      readPidFile(places.pidFile)?.pid ?? (state && identityOf(state.pid) !== null ? state.pid : null);
    const own = state?.pid === pid ? state : null;
    const health = own && (healthShape.safeParse(await askAgent(own, '/health')).data ?? null);
    const now = own && (statusShape.safeParse(await askAgent(own, '/status')).data ?? null);
    const { jobLines, jobsOfSession } = await import('./daemon-jobs.ts');
    // `keruta up` has agents for all workflows
    const isUp = own !== null && readServerState(values.dataDir)?.pid === own.pid;
    const jobs = own === null ? null : await jobsOfSession(context, isUp ? null : own.sessionId);
    const about = {
      running: pid !== null,
      pid,
      sessionId: own?.sessionId ?? null,
      url: own?.url ?? null,
      socket: own?.socket ?? null,
      startedAt: own ? new Date(own.startedAt).toISOString() : null,
      logFile: places.logFile,
      health: own && (health?.status ?? 'unknown'),
      reasons: health?.reasons ?? [],
      taskId: now?.task?.id ?? null,
      jobs: typeof jobs === 'string' ? null : jobs,
      watchers: now?.watchers ?? [],
    };
    if (context.json) await printJson(context, about);
    else if (pid === null) await context.stdout.write('no agent runs\n');
    else {
      await printFields(context, [
        ['pid', String(pid)],
        ['session', about.sessionId],
        ['address', about.url],
        ['socket', about.socket],
        ['up', own ? span(Math.max(0, context.clock.now() - own.startedAt)) : null],
        ['health', [about.health ?? '', ...about.reasons].join(' ').trim()],
        ['task', now?.task ? `${now.task.id} ${now.task.name}` : null],
        ...about.watchers.map((one): [string, string] => ['watcher', watcherText(one)]),
        ['log', about.logFile],
      ]);
      if (jobs !== null)
        await context.stdout.write(
          jobLines(jobs)
            .map((line) => `${visible(line)}\n`)
            .join(''),
        );
    }
    return pid === null ? 4 : 0;
  },
});
