/** The ledger: read, and looked at for whether it is whole. Nothing writes it from outside. */
import { z } from 'zod';
import {
  ledgerEntryShape,
  ledgerPageShape,
  ledgerQuery,
  ledgerVerdictShape,
  ledgerVerifyQuery,
} from '../../api/ledger-shapes.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { toLedgerWire } from '../../session/ledger-wire.ts';
import { verifyLedger } from '../../session/verify-ledger.ts';
import type { LedgerFilter } from '../../store/ledger-store.ts';
import type { Reads } from '../../store/store.ts';
import { lookers, type Route, route } from '../route.ts';

const tag = 'ledger';
/** Steps of one execution that are shown. */
const maxSteps = 1_000;

/** Routes of `/api/v1/ledger`. */
export const ledgerRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/ledger',
    access: lookers,
    summary: 'Lists what was decided, what ran and who did what, the newest first.',
    tag,
    query: ledgerQuery,
    answers: { 200: ledgerPageShape },
    handle: async ({ query, caller }, { store }) => {
      requireUnbound(caller, 'the ledger');
      const { limit, before } = query;
      // one more tells whether there is a next page
      const page = { limit: limit + 1, ...(before === undefined ? {} : { before }) };
      const found = await store.ledger(await filterOf(store, query), page);
      const entries = found.slice(0, limit);
      const next = found.length > limit ? (entries.at(-1)?.id ?? null) : null;
      return { status: 200, body: { entries: entries.map(toLedgerWire), next } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/ledger/verify',
    access: lookers,
    summary:
      'Looks whether rows of the ledger were changed, removed, moved or put in; a long ledger takes several calls, each ' +
      'with the place that the one before gave.',
    tag,
    query: ledgerVerifyQuery,
    answers: { 200: ledgerVerdictShape },
    handle: async ({ query, caller }, parts) => {
      requireUnbound(caller, 'the ledger');
      const { afterSeq: seq, afterHash: hash } = query;
      const after = seq === undefined || hash === undefined ? undefined : { seq, hash };
      return { status: 200, body: await verifyLedger(parts, after) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/ledger/:id',
    access: lookers,
    summary: 'Gives one entry, or every step of one execution or task, the oldest first.',
    tag,
    params: z.object({ id: z.string().min(1).max(100) }),
    answers: { 200: z.array(ledgerEntryShape) },
    handle: async ({ params: { id }, caller }, { store }) => {
      requireUnbound(caller, 'the ledger');
      return { status: 200, body: (await entriesOf(store, id)).map(toLedgerWire) };
    },
  }),
];

async function filterOf(store: Reads, query: z.output<typeof ledgerQuery>): Promise<LedgerFilter> {
  const { workflow, trigger, status, kind, execution, since, until } = query;
  // an id stands for the name that it has now; a name may be of one that is gone
  const named = workflow === undefined ? null : await store.workflow(workflow);
  return {
    ...(workflow === undefined ? {} : { workflow: named?.name ?? workflow }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(status === undefined ? {} : { statuses: status }),
    ...(kind === undefined ? {} : { kind }),
    ...(execution === undefined ? {} : { executionId: execution }),
    ...(since === undefined ? {} : { from: Date.parse(since) }),
    ...(until === undefined ? {} : { to: Date.parse(until) }),
  };
}

/** @throws {NotFoundError} KERUTA_ERR_LEDGER_ENTRY_NOT_FOUND */
async function entriesOf(store: Reads, id: string) {
  const one = await store.ledgerEntry(id);
  if (one !== null) return [one];
  const executionId = (await store.occurrenceOfTask(id))?.id ?? id;
  const steps = await store.ledger({ executionId }, { limit: maxSteps });
  if (steps.length > 0) return steps.toReversed();
  throw new NotFoundError(
    'KERUTA_ERR_LEDGER_ENTRY_NOT_FOUND',
    `The ledger has nothing about ${JSON.stringify(id)}: expected the id of an entry, an execution or a task that a trigger made; \`keruta ledger list\` shows what there is.`,
  );
}
