/** In which order the files of fault rows run: most of them wait most of the time, and so run side by side. */

/** What runs when, by path. */
export interface FaultPlan {
  /** several at a time, those that take longest first */
  readonly together: readonly string[];
  /** afterwards, with nothing beside it */
  readonly alone: readonly string[];
}

/** These take minutes. They begin first, so that none of them is left over at the end. */
export const longest: readonly string[] = [
  ...[
    'limits',
    'firing',
    'server-life',
    'agent',
    'network-modes',
    'replicas',
    'artifacts',
    'tree',
    'tree-lost',
  ],
];

/** These measure the machine, or take all of it: what ran beside them would be measured too, or held up. */
export const alone: readonly string[] = [
  ...['commands', 'reconnect', 'firing-often', 'tree-odd', 'server-load', 'output-loop', 'output'],
];

/**
 * Plans a run.
 * @param files  paths of all files of fault rows
 * @param wanted  parts of the paths of those that are wanted; none = all
 */
export function planFaults(files: readonly string[], wanted: readonly string[] = []): FaultPlan {
  const chosen = files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  const rank = (file: string) => (longest.indexOf(nameOf(file)) + 1 || longest.length + 1) - 1;
  const isAlone = (file: string) => alone.includes(nameOf(file));
  return {
    together: chosen.filter((file) => !isAlone(file)).toSorted((a, b) => rank(a) - rank(b)),
    alone: chosen.filter(isAlone),
  };
}

/** What a file is called here: `agent` for `test/faults/agent.test.ts`. */
export function nameOf(file: string): string {
  return /([^/]+)\.test\.ts$/.exec(file)?.[1] ?? file;
}
