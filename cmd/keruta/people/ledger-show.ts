import type { LedgerEntryWire } from '../../../internal/api/ledger-shapes.ts';
import { command } from '../command.ts';
import { printFields, printJson } from './print.ts';

/** `keruta ledger show` */
export const ledgerShow = command({
  name: 'ledger show',
  summary: 'Shows everything that the ledger has about one execution, one task or one act.',
  positionals: { id: { doc: 'id of an execution, of a task that a trigger made, or of an entry' } },
  options: {},
  examples: ['keruta ledger show 0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const entries = await client.ledger.show(values.id, { signal: context.signal });
    if (context.json) {
      await printJson(context, entries);
      return 0;
    }
    for (const [n, entry] of entries.entries()) {
      if (n > 0) await context.stdout.write('\n');
      await printFields(context, fieldsOf(entry));
    }
    return 0;
  },
});

/** An entry, field by field; what does not concern it is left out. */
function fieldsOf(entry: LedgerEntryWire): (readonly [string, string | null])[] {
  const { checks, details, ...plain } = entry;
  return [
    ...Object.entries(plain).map(([name, value]): [string, string | null] => [
      name,
      value === null ? null : String(value),
    ]),
    ...checks.map(({ name, passed, ...more }): [string, string] => [
      `check ${name}`,
      `${passed ? 'passed' : 'failed'} ${wordsOf(more)}`.trim(),
    ]),
    ...Object.entries(details).map(([name, value]): [string, string] => [name, textOf(value)]),
  ];
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const wordsOf = (values: object) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${textOf(value)}`)
    .join(', ');
