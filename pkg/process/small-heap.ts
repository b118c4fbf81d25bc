/** Makes V8 trade time for memory for a while: its door, node:v8. */
import { setFlagsFromString } from 'node:v8';
// biome-ignore lint/style/noRestrictedImports: V8 gives its collector to nobody but a new context; the text is one word
import { runInNewContext } from 'node:vm';

/** How V8 is told. */
export interface HeapControl {
  readonly setFlag: (flag: string) => void;
  /** Collects what is not in use; some milliseconds. */
  readonly collect: () => void;
}

/** How many ask for it now. */
let holders = 0;
let collector: (() => void) | null = null;

const ofV8: HeapControl = {
  setFlag: setFlagsFromString,
  collect: () => {
    collector ??= takeCollector();
    collector();
  },
};

/**
 * Keeps the heap of this process about as small as what is in use, until the returned function is called (a second call
 * changes nothing). For work of many short requests that mostly waits: V8 lets the heap of such a process grow to several
 * times what is in use before it looks for what is not. Several may ask at a time; the heap is free again after the last.
 *
 * @see V8, src/heap/heap.cc, ShouldOptimizeForMemoryUsage: the flag is looked at whenever a limit is set anew, which only a
 * collection does; the limit of the last one may be far away, so there is one at the beginning
 */
export function keepHeapSmall({ setFlag, collect }: HeapControl = ofV8): () => void {
  let isHeld = true;
  if (holders++ === 0) {
    setFlag('--optimize-for-size');
    collect();
  }
  return () => {
    if (isHeld && --holders === 0) setFlag('--no-optimize-for-size');
    isHeld = false;
  };
}

function takeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
