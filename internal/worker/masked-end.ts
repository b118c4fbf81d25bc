import { lacksDescriptors } from '../../pkg/files/lacks-descriptors.ts';
import type { StreamName } from '../domain/task.ts';
import type { Run } from '../executor/executor.ts';
import type { Masking } from './masking.ts';

/**
 * The last output of a run, with every secret masked that is known now.
 * @param maxBytes  how much of it; a secret that begins before it is found too
 */
export async function maskedEnd(
  { run, masking }: { readonly run: Run; readonly masking: Masking },
  stream: StreamName,
  maxBytes: number,
): Promise<string> {
  const size = await run.size(stream);
  const begin = Math.max(0, size - maxBytes);
  const readAt = Math.max(0, begin - masking.overlapBytes);
  // without descriptors there is no such text now, and whoever wants it goes on without
  const bytes = await run.read(stream, readAt, size - readAt).catch((error: unknown) => {
    if (lacksDescriptors(error)) return new Uint8Array();
    throw error;
  });
  const masked = masking.bytes(bytes);
  return new TextDecoder().decode(masked.subarray(begin - readAt));
}
