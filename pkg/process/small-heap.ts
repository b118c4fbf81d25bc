/** Makes V8 trade time for memory for a while: its door, node:v8. */
import { setFlagsFromString } from 'node:v8';

/** How many ask for it now. */
let holders = 0;

/**
 * Keeps the heap of this process about as small as what is in use, until the returned function is called (a second call
 * changes nothing). For work of many short requests that mostly waits: V8 lets the heap of such a process grow to several
 * times what is in use before it looks for what is not. Several may ask at a time; the heap is free again after the last.
 *
 * @param setFlag  how V8 is told
 * @see V8, src/heap/heap.cc, ShouldOptimizeForMemoryUsage: the flag is looked at whenever a limit is set anew
 */
export function keepHeapSmall(setFlag: (flag: string) => void = setFlagsFromString): () => void {
  let isHeld = true;
  if (holders++ === 0) setFlag('--optimize-for-size');
  return () => {
    if (isHeld && --holders === 0) setFlag('--no-optimize-for-size');
    isHeld = false;
  };
}
