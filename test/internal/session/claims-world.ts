/** A session in memory with everything the verbs need, and an agent that speaks the protocol; shared by the tests of claims. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { z } from 'zod';
import { finishRequest } from '../../../internal/api/protocol.ts';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import type { NewTask, StreamName, Task } from '../../../internal/domain/task.ts';
import { appendStream } from '../../../internal/session/append-stream.ts';
import { type Claimed, claim } from '../../../internal/session/claim.ts';
import { reportExited } from '../../../internal/session/exited.ts';
import { finish } from '../../../internal/session/finish.ts';
import { applyMessages } from '../../../internal/session/messages.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { renew } from '../../../internal/session/renew.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import type { Store } from '../../../internal/store/store.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

export const caller = systemCaller;
export const never = new AbortController().signal;
export const sessionId = '11111111-2222-4333-8444-555555555555';
const at = '2026-01-01T00:00:00.000Z';

let openStore = (clock: TestClock): Promise<Store> =>
  openSqliteStore({ file: ':memory:', clock, log: silentLog });

/** Has the worlds that are made from now on rest in another store; it is closed when its test has ended. */
export function restIn(open: (clock: TestClock) => Promise<Store>): void {
  openStore = open;
}

export async function makeWorld() {
  const directory = await mkdtemp(join(tmpdir(), 'claims-'));
  const clock = new TestClock();
  const store = await openStore(clock);
  const blob = openFileBlobStore({ directory, log: silentLog, durability: 'process' });
  onTestFinished(async () => {
    await blob.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const parts: SessionParts = { store, blob, clock, random: systemRandom, log: silentLog };
  await store.transact((tx) =>
    tx.putSession({
      ...{ id: sessionId, name: 'demo', description: null, status: 'ACTIVE', tags: [], repositoryUrl: null },
      ...{
        repositoryRef: 'main',
        gitTimeoutMs: null,
        templateConfig: null,
        workspaceId: null,
        createdAt: 1,
        updatedAt: 1,
      },
    }),
  );
  const addTask = async (more: Partial<NewTask> = {}): Promise<Task> => {
    const newTask = { sessionId, name: 'build', script: 'true', ...more };
    const { task } = await submitTask(parts, caller, newTask);
    clock.advance(1);
    return task;
  };
  const show = async (id: string): Promise<Task> => (await store.task(id)) as Task;
  return { parts, store, blob, clock, addTask, show, agent: (id = 'agent-1') => new FakeAgent(parts, id) };
}

export type World = Awaited<ReturnType<typeof makeWorld>>;

/** Speaks for one agent; its attempt is the last one it claimed. */
export class FakeAgent {
  readonly parts: SessionParts;
  readonly id: string;
  claimed: Claimed | null = null;

  constructor(parts: SessionParts, id: string) {
    this.parts = parts;
    this.id = id;
  }

  async claim(claimId = systemRandom.uuid4(), waitMs = 0, signal = never): Promise<Claimed | null> {
    const request = { agentId: this.id, claimId, waitMs, agent: { hostname: 'h', version: '1' } };
    const found = await claim(this.parts, { caller, sessionId, request, signal });
    if (found.claim) this.claimed = found.claim;
    return found.claim;
  }

  get ref() {
    if (!this.claimed) throw new Error('nothing is claimed');
    return { caller, taskId: this.claimed.task.id, number: this.claimed.attempt.number };
  }

  renew(more: { waitMs?: number; deliveredInputs?: string[]; signal?: AbortSignal } = {}) {
    const { waitMs = 0, deliveredInputs = [], signal = never } = more;
    return renew(this.parts, { ...this.ref, request: { waitMs, deliveredInputs }, signal });
  }

  say(...messages: object[]) {
    return applyMessages(this.parts, { ...this.ref, messages: messages.map((m) => ({ at, ...m })) as never });
  }

  write(stream: StreamName, offset: number, bytes: string | Uint8Array) {
    return appendStream(this.parts, { ...this.ref, stream, offset, bytes: once(bytes) });
  }

  exited(end: { exitCode?: number | null; reason?: string | null; signal?: string | null } = {}) {
    return reportExited(this.parts, { ...this.ref, report: report(end) });
  }

  finish(more: Record<string, unknown> = {}) {
    return finish(this.parts, { ...this.ref, report: report(more) });
  }
}

export function report(more: object): z.output<typeof finishRequest> {
  return finishRequest.parse({
    ...{ exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: '2026-01-01T00:00:01.000Z' },
    ...{ controlSeq: 0, streams: streams({}), artifacts: [], usage: null },
    ...more,
  });
}

export function streams(said: { stdout?: string; stderr?: string }) {
  const of = (text = '') => ({ size: Buffer.byteLength(text), crc32: crc32(text), lostBytes: 0 });
  return { stdout: of(said.stdout), stderr: of(said.stderr) };
}

export async function* once(bytes: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

export function coded(code: string) {
  return { code: `KERUTA_ERR_${code}` };
}
