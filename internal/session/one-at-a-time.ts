const queues = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * Does the work of one key one after another, in the order of the calls; different keys do not wait for each other.
 * A work that fails does not stop the next one.
 *
 * @param owner whose keys these are, usually the blob store; queues end with it
 */
export function oneAtATime<T>(owner: object, key: string, work: () => Promise<T>): Promise<T> {
  let queue = queues.get(owner);
  if (!queue) {
    queue = new Map();
    queues.set(owner, queue);
  }
  const keys = queue;
  const turn = (keys.get(key) ?? Promise.resolve()).then(work, work);
  const settled = turn.then(
    () => {},
    () => {},
  );
  keys.set(key, settled);
  void settled.then(() => {
    if (keys.get(key) === settled) keys.delete(key);
  });
  return turn;
}
