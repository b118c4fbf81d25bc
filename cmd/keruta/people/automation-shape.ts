/** What an automation file looks like: `~/.keruta/automation.toml`. */
import { z } from 'zod';

const text = z.string().min(1, 'expected a text, got nothing').max(4096);
const items = z.array(z.unknown()).max(1000).default([]);
const enabled = z.boolean().default(true);
const secret = z
  .string()
  // what was given is not repeated: it may be the secret itself
  .regex(
    /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written in the file
    'expected a variable such as ${WEBHOOK_SECRET}: a secret is not kept in a file',
  );

/** The whole, without its jobs, handlers and watchers: those are read one by one, so that each fault is told. */
export const automationShape = z.strictObject({
  automation: z.strictObject({
    /** false: nothing of this file fires */
    enabled,
    /** kept for files that have it; the agent's own settings say where its files are */
    daemon: z.strictObject({ pid_file: text.optional(), log_file: text.optional() }).optional(),
    schedule: z.strictObject({ enabled, jobs: items }).optional(),
    webhook: z
      .strictObject({
        enabled,
        port: z.int().min(0).max(65_535).optional(),
        secret: secret.optional(),
        handlers: items,
      })
      .optional(),
    watch: z.strictObject({ enabled, watchers: items }).optional(),
  }),
});

/** A job: an agent at its time. */
export const jobShape = z.strictObject({
  name: text,
  agent: text,
  cron: text,
  timezone: text.optional(),
  enabled,
});
/** A handler: an agent for an event from outside. */
export const handlerShape = z.strictObject({
  name: text.optional(),
  event: text,
  agent: text,
  /** default: that of all handlers; one file may wait for several senders */
  secret: secret.optional(),
  enabled,
});
/** A watcher: an agent for files. */
export const watcherShape = z.strictObject({
  name: text.optional(),
  directory: text,
  pattern: text.default('*'),
  agent: text,
  enabled,
});
