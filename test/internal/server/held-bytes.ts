import { Session } from 'node:inspector/promises';

/** What of this process is not garbage, inside the heap and outside of it; bytes. */
export async function heldBytes(): Promise<number> {
  const inspector = new Session();
  inspector.connect();
  await inspector.post('HeapProfiler.collectGarbage');
  inspector.disconnect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
