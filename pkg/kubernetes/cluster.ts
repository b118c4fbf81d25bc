/**
 * Speaks to the API of a Kubernetes cluster, about one namespace: jobs, their pods and logs, secrets, claims of volumes.
 * Knows nothing of what the jobs are for.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
import type { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import { type Http, makeHttp } from '../http/http.ts';
import { HttpError } from '../http/http-errors.ts';
import { makeLineSplitter } from '../lines/lines.ts';
import { askCluster, type ClusterQuestion } from './ask-cluster.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { ClusterError, hasStatus } from './cluster-error.ts';
import {
  bookmarkShape,
  claimShape,
  type Job,
  jobShape,
  listShape,
  type Pod,
  podShape,
  reviewShape,
  statusShape,
  versionShape,
  watchEventShape,
} from './shapes.ts';

/** What a cluster is made from. */
export interface ClusterParts {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** null: that of the access */
  readonly namespace: string | null;
  /** what we call ourselves */
  readonly userAgent: string;
}

/** Kinds of objects that are listed and watched. */
export interface Kinds {
  readonly jobs: Job;
  readonly pods: Pod;
}

/** What is asked whether one may do it. */
export interface Permission {
  readonly verb: string;
  /** `''`: the core group */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

/** A whole object that is to be made. */
export interface NamedBody {
  readonly metadata: { readonly name: string };
}

/** A change of an object; `gone`: what was is not remembered any more, and a new list is needed. */
export type Change<T> =
  | { readonly type: 'set' | 'deleted'; readonly object: T }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'gone' };

const kinds = {
  jobs: { prefix: '/apis/batch/v1', shape: jobShape },
  pods: { prefix: '/api/v1', shape: podShape },
} as const;

const [connectMs, headersMs, stallMs] = [5_000, 15_000, 30_000];
/** After so long the API ends a watch, and another one is begun; seconds. */
const watchSeconds = 240;
/** Longer than the API is silent between two bookmarks; ms. */
const watchStallMs = 120_000;
/** Longest object in a watch; bytes. */
const maxObjectBytes = 4 * 1024 ** 2;
const pageItems = 500;

type Asked = Omit<ClusterQuestion, 'method'> & Partial<Pick<ClusterQuestion, 'method'>>;

/** A client of one namespace of a cluster. @throws {ClusterError} in every call */
export class Cluster {
  readonly namespace: string;
  readonly server: string;
  readonly #parts: ClusterParts;
  readonly #http: Http;

  constructor(parts: ClusterParts) {
    const { access, userAgent } = parts;
    this.#parts = parts;
    this.namespace = parts.namespace ?? access.namespace;
    this.server = access.server;
    this.#http = makeHttp({ userAgent, connectMs, headersMs, stallMs, tls: access.tls });
  }

  /** What the API server calls its version, such as `v1.36.0`. */
  async version(): Promise<string> {
    const answer = await this.#read(versionShape, { path: '/version', toDo: 'tell its version' });
    return answer.gitVersion;
  }

  /** Makes a job. @param body  the whole object; it has to be in our namespace */
  createJob(body: NamedBody): Promise<Job> {
    const toDo = `make the job ${body.metadata.name}`;
    return this.#read(jobShape, { method: 'POST', path: this.#path('jobs'), body, toDo });
  }

  /** @returns null when there is none of this name */
  getJob(name: string): Promise<Job | null> {
    return this.#find(jobShape, { path: this.#path('jobs', name), toDo: `read the job ${name}` });
  }

  /**
   * Deletes a job, and all its pods before it: it is there until they are gone.
   * @returns false when there was none
   */
  deleteJob(name: string): Promise<boolean> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
    };
    return this.#delete({ path: this.#path('jobs', name), body, toDo: `delete the job ${name}` });
  }

  /** Makes a secret. @param body  the whole object; it has to be in our namespace */
  async createSecret(body: NamedBody): Promise<void> {
    const toDo = `make the secret ${body.metadata.name}`;
    const answer = await this.#ask({ method: 'POST', path: this.#secretPath(), body, toDo });
    await answer.discard();
  }

  /** @returns false when there was none */
  deleteSecret(name: string): Promise<boolean> {
    return this.#delete({ path: this.#secretPath(name), toDo: `delete the secret ${name}` });
  }

  /** Lists what has these labels. @param selector  such as `a=b,c` */
  async list<K extends keyof Kinds>(
    kind: K,
    selector: string,
  ): Promise<{ readonly items: readonly Kinds[K][]; readonly resourceVersion: string }> {
    const items: Kinds[K][] = [];
    for (let next = ''; ; ) {
      const query = new URLSearchParams({ labelSelector: selector, limit: String(pageItems) });
      if (next !== '') query.set('continue', next);
      const path = `${this.#path(kind)}?${query}`;
      const page = await this.#read(listShape, { path, toDo: `list ${kind}` });
      items.push(...page.items.map((item) => kinds[kind].shape.parse(item) as Kinds[K]));
      next = page.metadata.continue;
      if (next === '') return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  /**
   * Tells of every change after a version of a list, until the API ends it, which it does every few minutes, or the connection breaks.
   * @param selector  as that of the list
   */
  async *watch<K extends keyof Kinds>(
    kind: K,
    {
      selector,
      resourceVersion,
      signal,
    }: { readonly selector: string; readonly resourceVersion: string; readonly signal: AbortSignal },
  ): AsyncGenerator<Change<Kinds[K]>> {
    const query = new URLSearchParams({
      watch: '1',
      labelSelector: selector,
      resourceVersion,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    });
    const toDo = `watch ${kind}`;
    try {
      const path = `${this.#path(kind)}?${query}`;
      const answer = await this.#ask({ path, toDo, stallMs: watchStallMs, signal });
      const splitter = makeLineSplitter(maxObjectBytes);
      for await (const bytes of answer.stream) {
        for (const line of splitter.push(bytes)) yield this.#change(kind, line.text, toDo);
      }
    } catch (error) {
      if (hasStatus(error, 410)) yield { type: 'gone' };
      // a connection that broke in the middle has ended as well as any other
      else if (!(error instanceof HttpError)) throw error;
    }
  }

  /**
   * The log of a pod's container, as bytes come; each line begins with its time (RFC 3339) and a blank.
   * @param options.sinceTime  RFC 3339; what is older is left out, by whole seconds; null: from the beginning
   * @param options.follow  whether what is still to come belongs to it
   */
  async podLog(
    name: string,
    {
      container,
      sinceTime,
      follow,
      signal,
    }: {
      readonly container: string;
      readonly sinceTime: string | null;
      readonly follow: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<AsyncIterable<Uint8Array>> {
    const query = new URLSearchParams({ container, timestamps: 'true', follow: String(follow) });
    if (sinceTime !== null) query.set('sinceTime', sinceTime);
    const path = `${this.#path('pods', name)}/log?${query}`;
    const answer = await this.#ask({ path, toDo: `read the log of the pod ${name}`, stallMs: 0, signal });
    return answer.stream;
  }

  /** @returns null when there is no claim of this name */
  async claim(name: string): Promise<z.infer<typeof claimShape> | null> {
    const path = `/api/v1/namespaces/${this.namespace}/persistentvolumeclaims/${encodeURIComponent(name)}`;
    return this.#find(claimShape, { path, toDo: `read the claim ${name}` });
  }

  /** Whether this account may do something in the namespace. */
  async may(permission: Permission): Promise<boolean> {
    const resourceAttributes = { namespace: this.namespace, ...permission };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const toDo = 'tell what we may do';
    const review = await this.#read(reviewShape, { method: 'POST', path, body, toDo });
    return review.status.allowed;
  }

  /** Closes all connections; watches and logs end. */
  async close(): Promise<void> {
    await this.#http.close();
  }

  #path(kind: keyof Kinds, name?: string): string {
    const all = `${kinds[kind].prefix}/namespaces/${this.namespace}/${kind}`;
    return name === undefined ? all : `${all}/${encodeURIComponent(name)}`;
  }

  #secretPath(name?: string): string {
    const all = `/api/v1/namespaces/${this.namespace}/secrets`;
    return name === undefined ? all : `${all}/${encodeURIComponent(name)}`;
  }

  async #delete(question: Asked): Promise<boolean> {
    try {
      const answer = await this.#ask({ method: 'DELETE', ...question });
      await answer.discard();
      return true;
    } catch (error) {
      if (hasStatus(error, 404)) return false;
      throw error;
    }
  }

  #change<K extends keyof Kinds>(kind: K, text: string, toDo: string): Change<Kinds[K]> {
    const { type, object } = watchEventShape.parse(JSON.parse(text));
    if (type === 'ERROR') {
      const { code = 500, reason, message } = statusShape.parse(object);
      const fault = { kind: 'refused', status: code, reason, message } as const;
      throw new ClusterError({ server: this.server, toDo }, fault);
    }
    if (type === 'BOOKMARK') {
      return { type: 'bookmark', resourceVersion: bookmarkShape.parse(object).metadata.resourceVersion };
    }
    const parsed = kinds[kind].shape.parse(object) as Kinds[K];
    return { type: type === 'DELETED' ? 'deleted' : 'set', object: parsed };
  }

  async #find<T extends z.ZodType>(shape: T, question: Asked): Promise<z.infer<T> | null> {
    try {
      return await this.#read(shape, question);
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  async #read<T extends z.ZodType>(shape: T, question: Asked): Promise<z.infer<T>> {
    const { toDo } = question;
    const answer = await this.#ask(question);
    try {
      return shape.parse(await answer.json());
    } catch (cause) {
      const message = 'its answer is not that of a Kubernetes API';
      const fault = { kind: 'unreachable', status: answer.status, reason: '', message } as const;
      throw new ClusterError({ server: this.server, toDo }, fault, cause);
    }
  }

  #ask(question: Asked) {
    const { access, clock } = this.#parts;
    return askCluster({ access, clock, http: this.#http }, { method: 'GET', ...question });
  }
}
