import { command } from '../command.ts';

/** `keruta doctor` */
export const doctor = command({
  name: 'doctor',
  summary: 'Looks at everything that an agent needs on this machine, and says what to do about each fault.',
  description:
    'Checks settings, API, token, clock, git, programs, containment, disk, memory, the base directory, the agent, and ' +
    'what dead agents and runs left. All at the same time, each for at most 5 s; nothing is changed. For a probe that ' +
    'asks about health alone see keruta health.',
  positionals: {},
  options: {},
  examples: ['keruta doctor', 'keruta doctor --json'],
  exits: { 1: 'a check failed' },
  run: async (context, values) => {
    const { checks } = await import('./doctor-checks.ts');
    const { runChecks } = await import('./doctor-run.ts');
    const { findingsTable, leaveStuck } = await import('./doctor-report.ts');
    const configFile = (values as { readonly config?: string }).config ?? (context.env.KERUTA_CONFIG || null);
    const { findings, isStuck } = await runChecks(context, checks, { configFile });
    const overall = findings.every(({ state }) => state !== 'fail');
    const timestamp = new Date(context.clock.now()).toISOString();
    await context.stdout.write(
      context.json
        ? `${JSON.stringify({ overall, timestamp, checks: findings })}\n`
        : findingsTable(context, findings),
    );
    const status = overall ? 0 : 1;
    if (isStuck) leaveStuck(status);
    return status;
  },
});
