import type { ErrorRow } from './error-table.ts';

/** Errors of agent tasks, and of going back to what was before a task: rows of the table of errors. */
export const agentTaskErrors = {
  KERUTA_ERR_SERVICE: { kind: 'unavailable', doc: 'A service of agent tasks is away, or refuses.' },
  KERUTA_ERR_NOT_RECORDED: {
    kind: 'not-found',
    doc: 'What a checkout held before a task is not recorded, or not any more.',
  },
  KERUTA_ERR_CHECKOUT_IN_USE: {
    kind: 'conflict',
    doc: 'A task runs in this checkout, or somebody changes it.',
  },
} as const satisfies Record<string, ErrorRow>;
