/** Follows a task live, to its end. */
import { z } from 'zod';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { CommandContext } from '../command.ts';

/** What is told on the way. Each is awaited, so a slow terminal slows the stream, not the memory. */
export interface FollowEvents {
  readonly output: (stream: 'stdout' | 'stderr', text: string) => Promise<void>;
  /** output is left out here: this reader is too far behind */
  readonly elided: (stream: 'stdout' | 'stderr', elidedBytes: number) => Promise<void>;
  /** status, progress or message changed; also once at the beginning */
  readonly standing: (standing: Standing) => Promise<void>;
  /** the connection was lost and is made again */
  readonly reconnect: () => void;
}

const standingShape = z.object({
  status: z.string().optional(),
  progress: z.number().optional(),
  message: z.string().optional(),
});

/** Where a task stands, as far as an event says it. */
export type Standing = z.infer<typeof standingShape>;

const outputShape = z.object({ stream: z.enum(['stdout', 'stderr']), text: z.string() });
const elidedShape = z.object({ stream: z.enum(['stdout', 'stderr']), elidedBytes: z.number() });
const snapshotShape = z.object({ tasks: z.array(z.looseObject({ id: z.string() })) });

/**
 * Follows a task until all of its output was told, or the signal of the context aborts.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND; {UnavailableError} when the first connection fails
 */
export async function followTask(
  parts: { readonly context: CommandContext; readonly client: ApiClient; readonly signal: AbortSignal },
  taskId: string,
  events: FollowEvents & { /** all output, however far behind; default false */ readonly whole?: boolean },
): Promise<void> {
  const stream = parts.client.events.ofTask(taskId, {
    signal: parts.signal,
    ...(events.whole ? { elide: false } : {}),
    onReconnect: () => events.reconnect(),
  });
  for await (const event of stream) {
    if (event.type === 'output') {
      const output = outputShape.safeParse(event.data).data;
      if (output) await events.output(output.stream, output.text);
    } else if (event.type === 'elided') {
      const elided = elidedShape.safeParse(event.data).data;
      if (elided) await events.elided(elided.stream, elided.elidedBytes);
    } else if (event.type === 'snapshot') {
      const task = snapshotShape.safeParse(event.data).data?.tasks.find((each) => each.id === taskId);
      await events.standing(standingShape.catch({}).parse(task ?? {}));
    } else if (event.type === 'status' || event.type === 'progress' || event.type === 'end') {
      await events.standing(standingShape.catch({}).parse(event.data));
      if (event.type === 'end') return;
    }
  }
}
