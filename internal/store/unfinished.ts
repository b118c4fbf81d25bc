import { sql } from 'kysely';

/** Written the same way in the index and in every question that is to use it: SQLite compares the words. */
export const unfinishedText = "status IN ('PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'LOST')";

/** Tasks that are not at their end. */
export const unfinishedTasks = sql<boolean>`${sql.raw(unfinishedText)}`;
