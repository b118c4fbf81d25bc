import { chainStart } from '../../domain/ledger-chain.ts';
import type { Migration } from '../migrate.ts';

/** The ledger, which only grows; and who holds triggers, and why. */
export const ledger: Migration = {
  version: 5,
  name: 'ledger',
  statements: ({ text, refuse }) => [
    // body is what is sealed; the other columns are for finding it, and say what it says
    `CREATE TABLE ledger (id ${text} PRIMARY KEY, at BIGINT NOT NULL, kind ${text} NOT NULL, workflow_name ${text},
      trigger_name ${text}, trigger_id ${text}, execution_id ${text}, task_id ${text}, status ${text}, cost_micros BIGINT,
      body ${text} NOT NULL, seq BIGINT, hash ${text})`,
    'CREATE INDEX ledger_chain ON ledger (seq, id)',
    'CREATE INDEX ledger_workflow ON ledger (workflow_name, id)',
    'CREATE INDEX ledger_execution ON ledger (execution_id, id)',
    'CREATE INDEX ledger_status ON ledger (status, id)',

    `CREATE TABLE ledger_ends (name ${text} PRIMARY KEY, seq BIGINT NOT NULL, hash ${text} NOT NULL)`,
    ...['head', 'base'].map(
      (name) => `INSERT INTO ledger_ends VALUES ('${name}', ${chainStart.seq}, '${chainStart.hash}')`,
    ),

    ...refuse({
      name: 'ledger_is_not_changed',
      what: 'UPDATE',
      table: 'ledger',
      // to be sealed once is all that ever happens to a row
      when: 'OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL OR NEW.body <> OLD.body OR NEW.id <> OLD.id',
      message: 'the ledger is append-only: its rows are not changed',
    }),
    ...refuse({
      name: 'ledger_is_not_deleted',
      what: 'DELETE',
      table: 'ledger',
      when: "OLD.seq IS NULL OR OLD.seq > (SELECT seq FROM ledger_ends WHERE name = 'base')",
      message: 'the ledger is append-only: its rows go only by retention',
    }),

    `CREATE TABLE holds (scope ${text} NOT NULL, name ${text} NOT NULL, at BIGINT NOT NULL, actor ${text} NOT NULL,
      reason ${text} NOT NULL, PRIMARY KEY (scope, name))`,
  ],
};
