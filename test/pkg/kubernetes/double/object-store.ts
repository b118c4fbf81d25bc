/** What a cluster remembers: objects with versions, and what changed, for watches. */
import type { Document } from '../../../fixtures/schemas/make-check.ts';

/** One change, as a watch tells it. */
export interface StoredChange {
  readonly version: number;
  readonly kind: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Document;
}

export class ObjectStore {
  readonly #objects = new Map<string, Document>();
  #history: StoredChange[] = [];
  #version = 1_000;
  #forgottenTo = 0;
  readonly #listeners = new Set<(change: StoredChange) => void>();

  get version(): number {
    return this.#version;
  }

  /** Whether a watch from this version would miss something. */
  hasForgotten(version: number): boolean {
    return version < this.#forgottenTo;
  }

  /** Forgets what was, as etcd does every few minutes. */
  compact(): void {
    this.#version += 1;
    this.#forgottenTo = this.#version;
    this.#history = [];
  }

  get(kind: string, name: string): Document | undefined {
    const found = this.#objects.get(`${kind}/${name}`);
    return found === undefined ? undefined : structuredClone(found);
  }

  list(kind: string, selector = ''): readonly Document[] {
    const all = [...this.#objects].filter(([key]) => key.startsWith(`${kind}/`)).map(([, object]) => object);
    return structuredClone(all.filter((object) => matches(object, selector)));
  }

  set(kind: string, object: Document): Document {
    const key = `${kind}/${object.metadata.name}`;
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.#version += 1;
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(this.#version);
    this.#objects.set(key, stored);
    this.#tell({ version: this.#version, kind, type, object: stored });
    return structuredClone(stored);
  }

  /** Changes an object that is there; nothing when it is not. */
  change(kind: string, name: string, change: (object: Document) => void): void {
    const object = this.get(kind, name);
    if (object === undefined) return;
    change(object);
    this.set(kind, object);
  }

  delete(kind: string, name: string): void {
    const object = this.get(kind, name);
    if (object === undefined) return;
    this.#objects.delete(`${kind}/${name}`);
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    this.#tell({ version: this.#version, kind, type: 'DELETED', object });
  }

  /** Tells every change after a version, the old ones first. @returns ends it */
  watch(from: number, listener: (change: StoredChange) => void): () => void {
    for (const change of this.#history.filter(({ version }) => version > from)) listener(change);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(change: StoredChange): void {
    this.#history.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}

/** Whether an object has all labels of a selector such as `a=b,c`. */
export function matches(object: Document, selector: string): boolean {
  const labels = object.metadata.labels ?? {};
  return selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [name = '', value] = part.split('=');
      return value === undefined ? name in labels : labels[name] === value;
    });
}
