/** What a cluster does by itself: makes the pods of jobs, schedules and runs them, cleans up behind deletions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import type { Document } from '../../../fixtures/schemas/make-check.ts';
import type { ObjectStore } from './object-store.ts';
import {
  type ContainerPlaces,
  type ContainerSpec,
  messageOf,
  type RunningContainer,
  runContainer,
} from './run-container.ts';
import { secretOf } from './secret-of.ts';

/** What becomes of the next pods. */
export type Fate =
  | { readonly kind: 'runs' }
  | { readonly kind: 'no-pod' }
  | { readonly kind: 'unschedulable' }
  | { readonly kind: 'waits'; readonly reason: string; readonly message: string }
  | { readonly kind: 'runs-instead'; readonly script: string }
  | { readonly kind: 'start-error'; readonly reason: string; readonly message: string };

const now = () => new Date().toISOString().replace(/\.\d+/, '');

export class Controllers {
  readonly #store: ObjectStore;
  readonly #places: ContainerPlaces;
  readonly running = new Map<string, RunningContainer>();
  fate: Fate = { kind: 'runs' };
  #pods = 0;
  /** containers that come before the one of a pod */
  readonly #initial = new Map<string, RunningContainer>();
  readonly #scratch = mkdtempSync(join(tmpdir(), 'pods-'));

  constructor(store: ObjectStore, places: ContainerPlaces) {
    this.#store = store;
    this.#places = places;
    store.watch(0, ({ kind, type, object }) => {
      if (kind === 'jobs' && type === 'ADDED') void this.#makePod(object);
    });
  }

  /** Deletes a job and then, or before it, its pods, as the garbage collector does. */
  async deleteJob(name: string): Promise<void> {
    this.#store.change('jobs', name, (job) => {
      job.metadata.deletionTimestamp ??= now();
      job.metadata.finalizers = ['foregroundDeletion'];
    });
    const pods = this.#store.list('pods', `batch.kubernetes.io/job-name=${name}`);
    await Promise.all(pods.map((pod) => this.deletePod(pod.metadata.name)));
    this.#store.delete('jobs', name);
    for (const { metadata } of this.#store.list('secrets')) {
      if (metadata.ownerReferences?.[0]?.name === name) this.#store.delete('secrets', metadata.name);
    }
  }

  /** Deletes a pod: its first process is asked to end, and killed when its time is up. */
  async deletePod(name: string, graceSeconds?: number): Promise<void> {
    const pod = this.#store.get('pods', name);
    const graceMs = (graceSeconds ?? pod?.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    this.#store.change('pods', name, (one) => {
      one.metadata.deletionTimestamp ??= now();
    });
    const container = this.running.get(name) ?? this.#initial.get(name);
    container?.signal('SIGTERM');
    const cancel = systemClock.after(graceMs, () => container?.signal('SIGKILL'));
    if (graceMs === 0) container?.signal('SIGKILL');
    await container?.ended;
    cancel();
    this.#store.delete('pods', name);
    this.#endJob(pod, false);
  }

  /** The node is short of something: the pod fails, and stays. */
  async evict(name: string): Promise<void> {
    this.#note(name, { reason: 'Evicted', message: 'The node was low on resource: memory.' });
    await this.#kill(name);
  }

  /** Somebody empties the node: the pod is told why, and deleted. */
  async drain(name: string): Promise<void> {
    const reason = 'EvictionByEvictionAPI';
    this.#condition(name, { type: 'DisruptionTarget', status: 'True', reason, message: 'Eviction API' });
    await this.deletePod(name, 0);
  }

  /** Makes another pod of a job, as the controller may when it does not know better. */
  async makeSecondPod(job: string): Promise<void> {
    await this.#makePod(this.#store.get('jobs', job));
  }

  /** The kernel takes the whole container for want of memory. */
  async takeMemory(name: string): Promise<void> {
    this.#note(name, { terminated: 'OOMKilled' });
    await this.#kill(name);
  }

  /** Somebody kills the container. */
  async crash(name: string): Promise<void> {
    await this.#kill(name);
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.fate = { kind: 'no-pod' };
    for (const { metadata } of this.#store.list('pods')) {
      if (!this.running.has(metadata.name)) this.#store.delete('pods', metadata.name);
    }
    await Promise.all([...this.running.keys(), ...this.#initial.keys()].map((name) => this.#kill(name)));
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  readonly #notes = new Map<string, { reason?: string; message?: string; terminated?: string }>();

  #note(name: string, note: { reason?: string; message?: string; terminated?: string }): void {
    this.#notes.set(name, note);
  }

  async #kill(name: string): Promise<void> {
    const container = this.running.get(name) ?? this.#initial.get(name);
    container?.signal('SIGKILL');
    await container?.ended;
    await systemClock.sleep(0);
  }

  async #makePod(job: Document): Promise<void> {
    const { fate } = this;
    await systemClock.sleep(1);
    if (fate.kind === 'no-pod' || this.#store.get('jobs', job.metadata.name) === undefined) return;
    this.#pods += 1;
    const name = `${job.metadata.name}-${this.#pods.toString(36).padStart(5, '0')}`;
    const { metadata, spec } = job.spec.template;
    this.#store.set('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: job.metadata.namespace,
        uid: `uid-${name}`,
        creationTimestamp: now(),
        annotations: metadata.annotations ?? {},
        labels: {
          ...metadata.labels,
          'batch.kubernetes.io/job-name': job.metadata.name,
          'job-name': job.metadata.name,
        },
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, uid: job.metadata.uid },
        ],
      },
      spec,
      status: { phase: 'Pending', conditions: [] },
    });
    this.#store.change('jobs', job.metadata.name, (one) => {
      one.status = { active: 1, startTime: now() };
    });
    if (fate.kind === 'unschedulable') {
      const message = '0/3 nodes are available: 3 Insufficient memory.';
      this.#condition(name, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message });
      return;
    }
    this.#condition(name, { type: 'PodScheduled', status: 'True' });
    this.#store.change('pods', name, (pod) => {
      pod.spec.nodeName = 'node-1';
    });
    if (fate.kind === 'waits') {
      this.#first(name, 'Pending', { waiting: { reason: fate.reason, message: fate.message } });
      return;
    }
    if (fate.kind === 'start-error') {
      const { reason, message } = fate;
      this.#first(name, 'Failed', { terminated: { exitCode: 128, reason, message } });
      this.#endJob(this.#store.get('pods', name), false);
      return;
    }
    await this.#run(name);
  }

  async #run(name: string): Promise<void> {
    const pod = this.#store.get('pods', name);
    const secrets = (pod.spec.containers[0].envFrom ?? []).map(({ secretRef }: Document) => secretRef.name);
    const missing = secrets.find(
      (secret: string) => secretOf(this.#places, this.#store, secret) === undefined,
    );
    if (missing !== undefined) {
      const message = `secret "${missing}" not found`;
      this.#container(name, 'Pending', { waiting: { reason: 'CreateContainerConfigError', message } });
      return;
    }
    if (!(await this.#mounted(pod)) || !(await this.#initialize(pod))) return;
    if (this.fate.kind === 'runs-instead') pod.spec.containers[0].command = ['sh', '-c', this.fate.script];
    const container = runContainer(this.#spec(pod, pod.spec.containers[0]));
    this.running.set(name, container);
    this.#container(name, 'Running', { running: { startedAt: now() } });
    void container.ended.then((exitCode) => {
      const { terminated, ...status } = this.#notes.get(name) ?? {};
      const reason = terminated ?? (exitCode === 0 ? 'Completed' : 'Error');
      const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
      const message = messageOf(pod.spec.containers[0], container, exitCode);
      this.#container(name, phase, { terminated: { exitCode, reason, message, finishedAt: now() } }, status);
      this.#endJob(this.#store.get('pods', name), exitCode === 0);
    });
  }

  #spec(pod: Document, container: Document): ContainerSpec {
    const scratch = join(this.#scratch, pod.metadata.name);
    return {
      ...{ pod, container, scratch, places: this.#places },
      secretOf: (name) => secretOf(this.#places, this.#store, name),
    };
  }

  /** Waits for the Secrets that a pod mounts. @returns false when the pod is gone meanwhile */
  async #mounted(pod: Document): Promise<boolean> {
    const { name } = pod.metadata;
    const needed: readonly string[] = pod.spec.volumes
      .filter(({ secret }: Document) => secret !== undefined && secret.optional !== true)
      .map(({ secret }: Document) => secret.secretName);
    while (needed.some((secret) => secretOf(this.#places, this.#store, secret) === undefined)) {
      await systemClock.sleep(20);
      if (this.#store.get('pods', name) === undefined) return false;
    }
    return true;
  }

  /** Runs what comes before the container of a pod. @returns whether it went well */
  async #initialize(pod: Document): Promise<boolean> {
    const { name } = pod.metadata;
    for (const spec of pod.spec.initContainers ?? []) {
      const container = runContainer(this.#spec(pod, spec));
      this.#initial.set(name, container);
      this.#first(name, 'Pending', { running: { startedAt: now() } });
      const exitCode = await container.ended;
      this.#initial.delete(name);
      if (this.#store.get('pods', name)?.metadata.deletionTimestamp !== undefined) return false;
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      const message = messageOf(spec, container, exitCode);
      const state = { terminated: { exitCode, reason, message, finishedAt: now() } };
      this.#first(name, exitCode === 0 ? 'Pending' : 'Failed', state);
      if (exitCode === 0) continue;
      this.#endJob(this.#store.get('pods', name), false);
      return false;
    }
    return this.#store.get('pods', name) !== undefined;
  }

  #condition(name: string, condition: object): void {
    this.#store.change('pods', name, (pod) => pod.status.conditions.push(condition));
  }

  #container(name: string, phase: string, state: object, status: object = {}): void {
    this.#store.change('pods', name, (pod) => {
      const { image } = pod.spec.containers[0];
      const common = { image, imageID: '', ready: false, restartCount: 0 };
      const containerStatuses = [{ name: pod.spec.containers[0].name, ...common, state }];
      pod.status = { ...pod.status, phase, containerStatuses, ...status };
    });
  }

  /** What happens to the first container of a pod, for which the others wait. */
  #first(name: string, phase: string, state: object): void {
    const [init] = this.#store.get('pods', name)?.spec.initContainers ?? [];
    if (init === undefined) {
      this.#container(name, phase, state);
      return;
    }
    const common = { image: init.image, imageID: '', ready: false, restartCount: 0 };
    const initContainerStatuses = [{ name: init.name, ...common, state }];
    this.#container(
      name,
      phase,
      { waiting: { reason: 'PodInitializing', message: '' } },
      { initContainerStatuses },
    );
  }

  #endJob(pod: Document | undefined, isSuccess: boolean): void {
    const name = pod?.metadata.ownerReferences[0].name;
    this.#store.change('jobs', name, (job) => {
      if (job.status?.conditions !== undefined) return;
      const [type, reason] = isSuccess
        ? ['Complete', 'CompletionsReached']
        : ['Failed', 'BackoffLimitExceeded'];
      job.status = {
        ...(isSuccess ? { succeeded: 1 } : { failed: 1 }),
        conditions: [{ type, status: 'True', reason, message: '' }],
      };
    });
  }
}
