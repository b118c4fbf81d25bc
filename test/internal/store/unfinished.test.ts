import { expect, test } from 'vitest';
import { isEnded, taskStatuses } from '../../../internal/domain/task-status.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { unfinishedTasks, unfinishedText } from '../../../internal/store/unfinished.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';

test('tasks that have not ended are said in the same words by the index and by those who ask, and are all of them', () => {
  const node = unfinishedTasks.toOperationNode() as { readonly sqlFragments?: readonly string[] };
  expect(node.sqlFragments).toEqual([unfinishedText]);
  const named = [...unfinishedText.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  expect(named).toEqual(taskStatuses.filter((status) => !isEnded(status)));
});

test('figures do not take longer with tasks that have ended', async () => {
  const { DatabaseSync } = await import('node:sqlite');
  const { mkdtempSync, rmSync } = await import('node:fs');
  const { join } = await import('node:path');
  const directory = mkdtempSync('/tmp/unfinished-');
  try {
    const file = join(directory, 'db');
    const store = await openSqliteStore({ file, clock: systemClock, log: silentLog });
    await store.close();
    const db = new DatabaseSync(file);
    const plan = db.prepare(
      `EXPLAIN QUERY PLAN SELECT status, count(*) FROM tasks WHERE ${unfinishedText} GROUP BY status`,
    );
    expect(JSON.stringify(plan.all())).toContain('tasks_unfinished');
    db.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
