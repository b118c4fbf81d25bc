/** What is read of the engine's answers; everything else in them is left alone. */
import { z } from 'zod';

/** GET /images/NAME/json */
export const imageShape = z.object({
  Id: z.string(),
  Config: z
    .object({ Env: z.array(z.string()).nullish(), User: z.string().nullish() })
    .nullish()
    .transform((config) => ({ env: config?.Env ?? [], user: config?.User ?? '' })),
});

/** GET /containers/NAME/json */
export const containerShape = z.object({
  Id: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  State: z.object({
    /** created, running, paused, restarting, removing, exited, dead */
    Status: z.string(),
    Running: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    OOMKilled: z.boolean().default(false),
    Error: z.string().default(''),
  }),
});

/** GET /containers/json */
export const listShape = z.array(
  z.object({ Id: z.string(), State: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
);

/** GET /containers/NAME/stats; a container that has ended has zeros, or none at all */
export const statsShape = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number().default(0) }).optional() }).optional(),
  memory_stats: z
    .object({ usage: z.number().optional(), stats: z.record(z.string(), z.number()).optional() })
    .optional(),
  blkio_stats: z
    .object({
      io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: z.number() })).nullish(),
    })
    .optional(),
});

/** GET /containers/NAME/top */
export const topShape = z.object({
  Titles: z.array(z.string()),
  Processes: z.array(z.array(z.string())).nullish(),
});

/** HEAD /containers/NAME/archive, its header X-Docker-Container-Path-Stat; the mode is that of Go's io/fs */
export const pathShape = z.object({ mode: z.number(), linkTarget: z.string().default('') });

/** The body of a refusal. */
export const refusalShape = z.object({ message: z.string() });
