/** Tells GitHub what became of the tasks that it fired. */
import type { GithubApp } from '../../pkg/github/app.ts';
import { type Sending, startOutbox } from './outbox.ts';
import type { SessionParts } from './parts.ts';
import { sendReport } from './send-report.ts';

/** Tells reports until the signal is aborted. Any number of servers may do this on one store. */
export function startReports(parts: SessionParts, app: GithubApp, signal: AbortSignal): Sending {
  const { store } = parts;
  const box = {
    name: 'reports',
    topic: 'reports',
    doubt: 'github: reports are not taken; the log of the server says why',
    due: (now: number, limit: number) => store.dueReports(now, limit),
    nextAt: () => store.nextReportAt(),
    send: (taskId: string, stop: AbortSignal) => sendReport(parts, app, { taskId, signal: stop }),
    forget: (before: number, limit: number) => store.transact((tx) => tx.deleteReports(before, limit)),
  } as const;
  return startOutbox(parts, box, signal);
}
