/** Lets everything else that is due have its turn: timers, sockets, files. For long work that is done in pieces. */
export function nextTurn(): Promise<void> {
  return new Promise((done) => void setImmediate(done));
}
