import { ConflictError, InputError } from '../../../internal/domain/errors.ts';
import type { SchemaSteps } from '../../../internal/store/migrate.ts';
import { type CommandContext, command } from '../command.ts';
import { fromSetting } from '../options.ts';
import type { StatePlace } from './migrate-state.ts';

/** `keruta db migrate` */
export const dbMigrate = command({
  name: 'db migrate',
  summary: 'Brings the database of a server up to date, or moves everything from SQLite to PostgreSQL.',
  description:
    'A server does the first by itself when it starts, unless KERUTA_AUTO_MIGRATE is off. A store in the data directory must not ' +
    'be in use; of several servers on PostgreSQL, none of an older keruta should run. With --to, rows and files are copied to an ' +
    'empty database and compared; the data directory stays as it is. Start the server on the new database with the same data directory: the tokens are the same.',
  positionals: {},
  options: {
    'data-dir': fromSetting('dataDir'),
    'database-url': fromSetting('databaseUrl'),
    'dry-run': { kind: 'bool', doc: 'tells what would be done, and changes nothing', default: false },
    to: {
      kind: 'string',
      doc: 'an empty PostgreSQL to copy everything to; - reads its address from stdin',
      placeholder: 'URL',
    },
  },
  examples: [
    'keruta db migrate --dry-run',
    'keruta db migrate',
    'keruta db migrate --to postgres://keruta@db/keruta',
  ],
  exits: { 1: 'with --dry-run: something would be done' },
  run: async (context, { 'dry-run': isDryRun, to }) => {
    const { values } = await context.settings();
    const { migrateState } = await import('./migrate-state.ts');
    const { namingHolder } = await import('./start-server.ts');
    const { clock } = context;
    const { dataDir, databaseUrl } = values;
    const place = { dataDir, databaseUrl, uid: context.uid, clock, log: context.log };
    try {
      if (to !== undefined) return await copy(context, { place, to, isDryRun });
      const { name, steps } = await migrateState(place, isDryRun ? 'look' : 'apply');
      await tell(context, { name, steps, isDryRun });
      return isDryRun && steps.missing.length > 0 ? 1 : 0;
    } catch (error) {
      throw namingHolder(error, dataDir);
    }
  },
});

async function tell(
  context: CommandContext,
  told: { readonly name: string; readonly steps: SchemaSteps; readonly isDryRun: boolean },
): Promise<void> {
  const { name, steps, isDryRun } = told;
  const { have, known, missing } = steps;
  if (context.json) {
    const { printJson } = await import('../people/print.ts');
    return printJson(context, { store: name, version: have, known, steps: missing, dryRun: isDryRun });
  }
  if (missing.length === 0) return context.stdout.write(`${name} is up to date: schema version ${have}\n`);
  const lines = missing.map((step) => `  ${step.version}  ${step.name}\n`);
  const done = isDryRun ? 'dry run: nothing was changed' : `it has schema version ${known} now`;
  await context.stdout.write(
    `${name} has schema version ${have}, this keruta knows ${known}:\n${lines.join('')}${done}\n`,
  );
}

async function copy(
  context: CommandContext,
  wish: { readonly place: StatePlace; readonly to: string; readonly isDryRun: boolean },
): Promise<number> {
  const { place, isDryRun } = wish;
  if (place.databaseUrl !== null)
    throw new InputError(
      'KERUTA_ERR_USAGE',
      'db migrate --to: copies a store of the data directory, but a database is set (--database-url, KERUTA_DATABASE_URL): leave that out',
    );
  const url = wish.to === '-' ? await firstLine(context) : wish.to;
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      '--to: expected an address such as postgres://user@host/database',
    );
  const { copyState, migrateState } = await import('./migrate-state.ts');
  const { steps } = await migrateState(place, 'look');
  if (steps.have === 0)
    throw new ConflictError(
      'KERUTA_ERR_STORE_DAMAGED',
      `there is no store in ${place.dataDir} to copy: name the right one by --data-dir`,
    );
  if (isDryRun) {
    const { name, steps: target } = await migrateState({ ...place, databaseUrl: url }, 'look');
    await tell(context, { name, steps: target, isDryRun });
    return 1;
  }
  const { rows, blobs } = await copyState(place, url);
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  if (context.json) {
    const { printJson } = await import('../people/print.ts');
    await printJson(context, { rows, ...blobs });
  } else
    await context.stdout.write(
      `copied and compared: ${total} rows of ${Object.keys(rows).length} tables, ${blobs.blobs} files with ${blobs.bytes} bytes\n`,
    );
  return 0;
}

async function firstLine({ stdin }: CommandContext): Promise<string> {
  let text = '';
  for await (const chunk of stdin) text += Buffer.from(chunk).toString('utf8');
  return text.split('\n')[0]?.trim() ?? '';
}
