import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printFields, printJson, span } from '../people/print.ts';

const stateShape = z.looseObject({
  pid: z.number(),
  url: z.string().nullable(),
  sessionId: z.string(),
  startedAt: z.number(),
});

/** `keruta daemon status` */
export const daemonStatus = command({
  name: 'daemon status',
  summary: 'Says whether the agent runs, for which session, and where.',
  positionals: {},
  options: { 'pid-file': fromSetting('pidFile') },
  examples: ['keruta daemon status', 'keruta daemon status --json'],
  exits: { 4: 'no agent runs' },
  run: async (context) => {
    const { values } = await context.settings();
    const { daemonPlaces } = await import('./places.ts');
    const { readPidFile } = await import('./pid-file.ts');
    const { identityOf } = await import('../../../internal/worker/process-identity.ts');
    const places = daemonPlaces(values);
    const state = readState(places.stateFile);
    const pid =
      readPidFile(places.pidFile)?.pid ?? (state && identityOf(state.pid) !== null ? state.pid : null);
    const own = state?.pid === pid ? state : null;
    const about = {
      running: pid !== null,
      pid,
      sessionId: own?.sessionId ?? null,
      url: own?.url ?? null,
      startedAt: own ? new Date(own.startedAt).toISOString() : null,
      logFile: places.logFile,
    };
    if (context.json) await printJson(context, about);
    else if (pid === null) await context.stdout.write('no agent runs\n');
    else {
      await printFields(context, [
        ['pid', String(pid)],
        ['session', about.sessionId],
        ['address', about.url],
        ['up', own ? span(Math.max(0, context.clock.now() - own.startedAt)) : null],
        ['log', about.logFile],
      ]);
    }
    return pid === null ? 4 : 0;
  },
});

function readState(file: string): z.infer<typeof stateShape> | null {
  try {
    return stateShape.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}
