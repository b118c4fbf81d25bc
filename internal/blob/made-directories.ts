import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How many directories are remembered; more begin again from nothing. */
const maxKnown = 10_000;

/**
 * Directories whose names are on the disk. What two files share is waited for by both: the one that came second must not
 * be acknowledged before the first has flushed the names above it. What another process has made is flushed once more:
 * it may have died in between.
 */
export class MadeDirectories {
  readonly #root: string;
  /** by directory: its name is in its parent, and that is flushed */
  readonly #named = new Map<string, Promise<void>>();

  /** @param root  above it nothing is flushed, unless it is made here */
  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a directory below the root (0700) and resolves when its name, and those above it, are on the disk. */
  async make(directory: string): Promise<void> {
    const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (firstMade !== undefined) this.forget(firstMade);
    const top = firstMade !== undefined && this.#root.startsWith(firstMade) ? firstMade : this.#root;
    const names: Promise<void>[] = [];
    for (let made = directory; ; made = dirname(made)) {
      names.push(this.#name(made));
      if (made === top || made === dirname(made)) break;
    }
    await Promise.all(names);
  }

  /** Of a directory that goes away, and all below it, nothing is known any more. */
  forget(directory: string): void {
    for (const known of this.#named.keys())
      if (known === directory || known.startsWith(`${directory}/`)) this.#named.delete(known);
  }

  #name(directory: string): Promise<void> {
    const known = this.#named.get(directory);
    if (known) return known;
    if (this.#named.size >= maxKnown) this.#named.clear();
    const naming = syncDirectory(dirname(directory));
    this.#named.set(directory, naming);
    naming.catch(() => {
      if (this.#named.get(directory) === naming) this.#named.delete(directory);
    });
    return naming;
  }
}

/** Flushes the names in a directory. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
