import type { LedgerEntryWire } from '../../../internal/api/ledger-shapes.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import { ledgerStatuses } from '../../../internal/domain/ledger.ts';
import { type CommandContext, command } from '../command.ts';
import { printJson, printTable, shortId, span } from './print.ts';
import { readInstantOption } from './read-instant.ts';

/** Entries of one call. */
const pageSize = 100;

/** `keruta ledger list` */
export const ledgerList = command({
  name: 'ledger list',
  summary: 'Lists what was decided, what ran, what it cost and who did what, the newest first.',
  positionals: {},
  options: {
    workflow: { kind: 'string', doc: 'only of this one: name or id; the name also of one that is gone' },
    trigger: { kind: 'string', doc: 'only of this trigger: name or id' },
    status: {
      kind: 'string',
      doc: `only with this status, or these with commas between: ${ledgerStatuses.join(', ')}`,
    },
    kind: { kind: 'string', doc: 'only of this kind, such as cron_execution or trigger.paused' },
    since: { kind: 'string', doc: 'from this instant on; RFC 3339' },
    until: { kind: 'string', doc: 'before this instant; RFC 3339' },
    limit: { kind: 'int', doc: 'how many', default: 20, range: [1, 1_000_000] },
    csv: { kind: 'bool', doc: 'prints CSV, every field of every entry', default: false },
  },
  examples: [
    'keruta ledger list --workflow nightly --status FAILED',
    'keruta ledger list --since 2026-03-01T00:00:00Z --limit 1000000 --csv > march.csv',
    'keruta ledger list --kind token.create --json',
  ],
  run: async (context, values) => {
    const { workflow, trigger, kind, limit } = values;
    const status = readStatuses(values.status);
    const instant = (name: 'since' | 'until') => {
      const text = values[name];
      if (text === undefined) return undefined;
      return new Date(readInstantOption(`--${name}`, text)).toISOString();
    };
    const wish = { workflow, trigger, status, kind, since: instant('since'), until: instant('until') };
    const pages = pagesOf(context, wish, limit);
    if (values.csv) {
      await printCsv(context, pages);
      return 0;
    }
    const entries: LedgerEntryWire[] = [];
    for await (const page of pages) entries.push(...page);
    if (context.json) await printJson(context, entries);
    else await printEntries(context, entries);
    return 0;
  },
});

/** @throws {InputError} KERUTA_ERR_BAD_VALUE */
function readStatuses(text: string | undefined): string | undefined {
  const wanted = text?.split(',').map((one) => one.trim().toUpperCase());
  const strange = wanted?.find((one) => !ledgerStatuses.some((status) => status === one));
  if (strange === undefined) return wanted?.join(',');
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `--status: expected some of ${ledgerStatuses.join(', ')}, with commas between, got ${JSON.stringify(strange)}`,
  );
}

type Wish = Omit<Parameters<Awaited<ReturnType<CommandContext['makeClient']>>['ledger']['page']>[0], 'limit'>;

/** Entries page by page, so that an export of any size needs little memory. */
async function* pagesOf(
  context: CommandContext,
  wish: Wish,
  limit: number,
): AsyncGenerator<readonly LedgerEntryWire[]> {
  const client = await context.makeClient();
  let before: string | undefined;
  for (let left = limit; left > 0; ) {
    const page = { ...wish, limit: Math.min(pageSize, left), before };
    const { entries, next } = await client.ledger.page(page, { signal: context.signal });
    yield entries;
    left -= entries.length;
    if (next === null) return;
    before = next;
  }
}

const csvFields = [
  ...['at', 'kind', 'workflow', 'version', 'trigger', 'source', 'status', 'decision', 'mode', 'reason'],
  ...['nominalAt', 'effectiveAt', 'delayMs', 'durationMs', 'costMicros', 'llmCalls', 'tokensIn', 'tokensOut'],
  ...[
    'attempts',
    'errorClass',
    'error',
    'actor',
    'taskId',
    'executionId',
    'eventId',
    'workflowId',
    'triggerId',
  ],
  ...['checks', 'details', 'id', 'address'],
] as const as readonly (keyof LedgerEntryWire)[];

async function printCsv(
  context: CommandContext,
  pages: AsyncIterable<readonly LedgerEntryWire[]>,
): Promise<void> {
  const { formatCsv } = await import('../../../pkg/csv/csv.ts');
  await context.stdout.write(formatCsv([csvFields]));
  for await (const entries of pages) {
    const rows = entries.map((entry) =>
      csvFields.map((name) => {
        const value = entry[name];
        return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
      }),
    );
    await context.stdout.write(formatCsv(rows));
  }
}

/** Prints entries as a table. */
export async function printEntries(
  context: CommandContext,
  entries: readonly LedgerEntryWire[],
): Promise<void> {
  const columns = [
    { title: 'AT' },
    { title: 'WHAT' },
    { title: 'WORKFLOW', shrinks: true },
    { title: 'STATUS' },
    { title: 'WHY' },
    { title: 'TOOK', align: 'right' as const },
    { title: 'COST', align: 'right' as const },
    { title: 'BY' },
    { title: 'FROM' },
    { title: 'ID' },
  ];
  const rows = entries.map((one) => [
    one.at,
    one.kind,
    one.workflow === null ? '-' : [one.workflow, one.trigger].filter((name) => name !== null).join('/'),
    one.status ?? '-',
    one.errorClass ?? one.reason ?? '-',
    one.durationMs === null ? '-' : span(one.durationMs),
    one.costMicros === null ? '-' : `$${(one.costMicros / 1e6).toFixed(4)}`,
    one.actor === 'system' ? one.actor : shortId(one.actor),
    one.address ?? '-',
    one.executionId ?? one.id,
  ]);
  await printTable(context, columns, rows, 'the ledger has nothing like that');
}
