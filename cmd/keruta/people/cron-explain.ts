import { command } from '../command.ts';

/** `keruta cron explain` */
export const cronExplain = command({
  name: 'cron explain',
  summary: 'Says what a cron expression means, and when it falls due next.',
  description:
    'Five fields (minute, hour, day of month, month, day of week; 0 and 7 are Sunday), or @hourly @daily @weekly @monthly @yearly. ' +
    'A fixed time that a clock change skips falls due at the end of the gap; one that comes twice falls due the first time.',
  positionals: { expression: { doc: 'in quotes' } },
  options: {
    tz: { kind: 'string', doc: 'IANA name of the time zone', default: 'UTC', placeholder: 'ZONE' },
    after: {
      kind: 'string',
      doc: 'instant from which on to look, RFC 3339; now when left out',
      placeholder: 'INSTANT',
    },
    count: { kind: 'int', doc: 'how many instants', default: 5, range: [1, 1000] },
    'trigger-id': {
      kind: 'string',
      doc: 'id of the trigger, which decides what H stands for',
      placeholder: 'ID',
    },
  },
  examples: [
    'keruta cron explain "30 2 * * *" --tz Europe/Berlin --after 2026-03-28T12:00:00Z',
    'keruta cron explain "H/15 9-17 * * mon-fri" --trigger-id trg_report --count 3 --json',
  ],
  run: async (context, values) => {
    const { makeCronRule } = await import('../../../internal/trigger/cron/cron-rule.ts');
    const { explainCron } = await import('../../../internal/trigger/cron/explain.ts');
    const { readInstantOption } = await import('./read-instant.ts');
    const after =
      values.after === undefined ? context.clock.now() : readInstantOption('--after', values.after);
    const rule = makeCronRule({
      text: values.expression,
      zone: values.tz,
      triggerId: values['trigger-id'] ?? null,
    });
    const { words, warnings, next } = explainCron(rule, { afterMs: after, count: values.count });
    if (context.json) {
      const { text, expanded } = rule.expression;
      const iso = next.map(({ at }) => new Date(at).toISOString());
      const notes = next.flatMap(({ at, note }) =>
        note === null ? [] : [{ at: new Date(at).toISOString(), note }],
      );
      const answer = { expression: text, zone: rule.zone, next: iso, expanded, words, warnings, notes };
      await context.stdout.write(`${JSON.stringify(answer)}\n`);
      return 0;
    }
    const lines = [`${words} (${rule.zone})`];
    if (rule.expression.expanded !== rule.expression.text)
      lines.push(`written out: ${rule.expression.expanded}`);
    lines.push(
      '',
      ...next.map(
        ({ at, local, note }) => `${new Date(at).toISOString()}  ${local}${note === null ? '' : `  ${note}`}`,
      ),
    );
    await context.stdout.write(`${lines.join('\n')}\n`);
    for (const warning of warnings) await context.stderr.write(`warning: ${warning}\n`);
    return 0;
  },
});
