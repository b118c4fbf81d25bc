/** The types of triggers: one file in `types/`, one line here. */
import type { TriggerType } from './trigger-type.ts';
import { cron } from './types/cron.ts';
import { email } from './types/email.ts';
import { file } from './types/file.ts';
import { github } from './types/github.ts';
import { interval } from './types/interval.ts';
import { manual } from './types/manual.ts';
import { taskEnd } from './types/task-end.ts';
import { webhook } from './types/webhook.ts';

/** All types by name. */
export const triggerTypes: ReadonlyMap<string, TriggerType> = new Map(
  [cron, interval, file, manual, taskEnd, webhook, email, github].map((type) => [type.name, type]),
);
