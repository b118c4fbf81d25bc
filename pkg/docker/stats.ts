import type { z } from 'zod';
import type { statsShape } from './shapes.ts';

/** What a container has used up to now. */
export interface ContainerUsage {
  /** held, without what the kernel can take back at once */
  readonly memoryBytes: number;
  readonly cpuMs: number;
  /** from and to storage; null when the engine does not tell */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
}

/** Reads the engine's statistics; null when it holds none, as of a container that has ended. */
export function usageOf(stats: z.infer<typeof statsShape>): ContainerUsage | null {
  const { usage, stats: detail = {} } = stats.memory_stats ?? {};
  if (usage === undefined) return null;
  // as `docker stats` counts: the file cache that is not in use is nobody's; of control groups 1 and 2
  const cache = detail.total_inactive_file ?? detail.inactive_file ?? 0;
  const blocks = stats.blkio_stats?.io_service_bytes_recursive ?? [];
  const sumOf = (name: string) =>
    blocks.length === 0
      ? null
      : blocks.filter(({ op }) => op.toLowerCase() === name).reduce((sum, { value }) => sum + value, 0);
  return {
    memoryBytes: Math.max(0, usage - (cache < usage ? cache : 0)),
    cpuMs: Math.round((stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e6),
    readBytes: sumOf('read'),
    writtenBytes: sumOf('write'),
  };
}
