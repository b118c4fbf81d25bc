import { sql } from 'kysely';

/**
 * Tasks that are not at their end, as the index of them says it. SQLite uses the index only where a question says it in
 * the same words: keep the two alike; a test looks.
 */
export const unfinishedText = "status IN ('PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'LOST')";

/** The same as a condition. */
export const unfinishedTasks = sql<boolean>`status IN ('PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'LOST')`;
