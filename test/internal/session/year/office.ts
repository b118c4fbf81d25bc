/** A simulated office: a real server's verbs on a clock of the test, agents and people who use them, and outages. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openFileBlobStore } from '../../../../internal/blob/file-blob-store.ts';
import { isEnded } from '../../../../internal/domain/task-status.ts';
import { applyWorkflow } from '../../../../internal/session/apply-workflow.ts';
import { approve, deny, listApprovals } from '../../../../internal/session/approve.ts';
import { cancelTask } from '../../../../internal/session/cancel.ts';
import { fireEvent } from '../../../../internal/session/fire-event.ts';
import { migrateWorkflow } from '../../../../internal/session/migrate-workflow.ts';
import type { SessionParts } from '../../../../internal/session/parts.ts';
import { retryTask } from '../../../../internal/session/retry.ts';
import { sweep } from '../../../../internal/session/sweep.ts';
import { tick } from '../../../../internal/session/tick.ts';
import { openSqliteStore } from '../../../../internal/store/sqlite-store.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { caller, never } from '../claims-world.ts';
import { Agenda } from './agenda.ts';
import { Book, type Run } from './book.ts';
import { BreakerModel } from './breaker-model.ts';
import { Chance } from './chance.ts';
import { Desk } from './desk.ts';
import { type Plan, plans } from './plan.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** @see Office.open */
export class Office {
  readonly clock = new TestClock();
  readonly begin = this.clock.now();
  readonly book = new Book();
  readonly agenda = new Agenda();
  readonly chance: Chance;
  parts!: SessionParts;
  outages = 0;
  lost = 0;
  /** until when almost everything of a workflow fails */
  readonly badUntil = new Map<string, number>();
  /** ids of triggers to hand events to, by workflow */
  readonly hooks = new Map<string, string>();
  readonly #plans = new Map<string, Plan>();
  readonly #desks = new Map<string, Desk>();
  #upAt: number | null = null;
  #isClosing = false;
  readonly #awaited = new Set<number>();

  private constructor(seed: number) {
    this.chance = new Chance(seed);
  }

  /** Opens an office whose workflows are applied; it ends with the test. */
  static async open(seed: number): Promise<Office> {
    const office = new Office(seed);
    const { clock, chance } = office;
    const directory = await mkdtemp(join(tmpdir(), 'office-'));
    const store = await openSqliteStore({ file: ':memory:', clock, log: silentLog });
    const blob = openFileBlobStore({ directory, log: silentLog, durability: 'process' });
    onTestFinished(async () => {
      await blob.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    });
    office.parts = { store, blob, clock, random: chance.asRandom(), log: silentLog };
    for (const plan of plans) await office.#apply(plan);
    return office;
  }

  async #apply(plan: Plan): Promise<void> {
    const { name, cron, everyHours, weights, workflow } = plan;
    const anchor = new Date(this.begin).toISOString();
    const triggers = [
      ...(cron ? [{ type: 'cron', expression: cron.expression, timezone: cron.zone }] : []),
      ...(everyHours ? [{ type: 'interval', every: `${everyHours}h`, anchor }] : []),
    ];
    const weight = weights?.[0]?.[1];
    const own = weight === undefined ? {} : { migrationWeight: weight };
    const value = { name, ...workflow, ...own, triggers };
    const made = await applyWorkflow(this.parts, { caller, owner: 'api', value });
    this.#plans.set(name, plan);
    this.hooks.set(name, made.triggers.find(({ type }) => type === 'manual')?.id ?? '');
    this.book.events.set(name, new Set());
    if (weight !== undefined) this.book.weights.set(name, [[this.begin, weight]]);
    const rule = made.workflow.definition.policy?.breaker;
    if (rule) {
      const { window, consecutiveFailures: inARow, failureRate: rate, coolOffMs, maxCoolOffMs } = rule;
      this.book.breakers.set(name, new BreakerModel({ window, inARow, rate, coolOffMs, maxCoolOffMs }));
    }
    if (plan.eventsPerDay) this.#expectEvent(plan, 0);
    for (const [day, next] of (weights ?? []).slice(1))
      this.agenda.add(this.begin + day * dayMs + 1, () => this.#migrate(name, next));
  }

  get now(): number {
    return this.clock.now();
  }

  /** Lets time pass until an instant, and then until everything that runs has ended. */
  async live(until: number): Promise<void> {
    this.agenda.add(this.now + dayMs, () => this.#newDay(until));
    this.agenda.add(this.now + 4 * hourMs, () => this.#answerQuestions());
    while (this.now < until) {
      const due = this.#upAt === null ? ((await this.parts.store.nextDueAt()) ?? until) : until;
      const at = Math.max(this.now, Math.min(due, this.agenda.nextAt ?? until, until));
      this.clock.advance(at - this.now);
      if (this.#upAt === null && due <= at) {
        await tick(this.parts, never);
        await this.serve();
      } else await this.agenda.next(at)?.();
    }
    this.#isClosing = true;
    for (
      let at = this.agenda.nextAt;
      this.book.openRuns().length > 0 && at !== null;
      at = this.agenda.nextAt
    ) {
      this.clock.advance(Math.max(0, at - this.now));
      await this.agenda.next(at)?.();
    }
  }

  /** Does something now, or when the server is there again. */
  async whenUp(act: () => Promise<void>): Promise<void> {
    if (this.#upAt === null) await act();
    else this.agenda.add(this.#upAt + this.chance.between([1, 60_000]), () => this.whenUp(act));
  }

  /** Meets new tasks, and lets every agent that is free ask for one. */
  async serve(): Promise<void> {
    if (this.#upAt !== null) return;
    const { store } = this.parts;
    const waiting = new Set<string>();
    for (const task of await store.tasks({ statuses: ['PENDING'] }, 'queue')) {
      waiting.add(task.sessionId);
      if (this.book.runs.has(task.id)) continue;
      const occurrence = await store.occurrenceOfTask(task.id);
      const workflow = await store.workflow(occurrence?.workflowId ?? '');
      const plan = this.#plans.get(workflow?.name ?? '');
      if (occurrence === null || plan === undefined) throw new Error(`task ${task.id} comes from nowhere`);
      this.book.meet(task, { plan, triggerId: occurrence.triggerId, key: occurrence.key });
    }
    for (const sessionId of waiting) {
      const desk = this.#desks.get(sessionId) ?? new Desk(this, sessionId);
      this.#desks.set(sessionId, desk);
      await desk.work();
    }
  }

  /** Writes down which tasks of a session have ended. */
  async look(): Promise<void> {
    for (const run of this.book.openRuns()) {
      const task = await this.parts.store.task(run.id);
      if (task !== null && isEnded(task.status)) {
        this.book.end(run, task, this.now);
        this.#mayWantAgain(run);
      } else if (
        task?.status === 'PENDING' &&
        task.notBefore !== null &&
        !this.#awaited.has(task.notBefore)
      ) {
        // it may be tried again then
        this.#awaited.add(task.notBefore);
        this.agenda.add(task.notBefore, () => this.serve());
      }
    }
  }

  /** An agent is gone: its lease runs out, its hold, and at last somebody gives the task up. */
  lose(run: Run): void {
    this.lost += 1;
    const look = async () => {
      for (const desk of this.#desks.values()) await desk.renew();
      await sweep(this.parts);
      await this.look();
      await this.serve();
    };
    for (const after of [1, 32]) this.agenda.add(this.now + after * minuteMs, () => this.whenUp(look));
    const giveUp = async () => {
      if ((await this.parts.store.task(run.id))?.status !== 'LOST') return;
      await cancelTask(this.parts, { caller, taskId: run.id });
      await this.look();
      await this.serve();
    };
    this.agenda.add(this.now + 3 * hourMs, () => this.whenUp(giveUp));
  }

  /** Cancels a run while it goes on, as people do now and then. */
  cancelSoon(run: Run, withinMs: number): void {
    this.agenda.add(this.now + this.chance.between([1, withinMs]), () =>
      this.whenUp(async () => {
        const task = await this.parts.store.task(run.id);
        if (task !== null && !isEnded(task.status)) await cancelTask(this.parts, { caller, taskId: run.id });
        await this.look();
        await this.serve();
      }),
    );
  }

  #mayWantAgain(run: Run): void {
    // a hook would be asked for twice, which is another story
    if (run.status !== 'FAILED' || run.plan.workflow.onError || !this.chance.is(0.02)) return;
    this.agenda.add(this.now + this.chance.between([hourMs, 3 * hourMs]), () =>
      this.whenUp(async () => {
        await retryTask(this.parts, { caller, taskId: run.id });
        this.book.again(run);
        await this.serve();
      }),
    );
  }

  #expectEvent(plan: Plan, count: number): void {
    const meanMs = dayMs / (plan.eventsPerDay ?? 1);
    const inMs = Math.ceil(-Math.log(1 - this.chance.fraction()) * meanMs) + 1;
    this.agenda.add(this.now + inMs, async () => {
      if (this.#isClosing) return;
      const key = `delivery:${plan.name}-${count}`;
      // a sender whose event was not taken comes again, mostly; one that was taken is sent twice now and then
      if (this.#upAt === null || this.chance.is(0.8)) await this.whenUp(() => this.#hand(plan, key));
      if (this.chance.is(0.05))
        this.agenda.add(this.now + hourMs, () => this.whenUp(() => this.#hand(plan, key)));
      this.#expectEvent(plan, count + 1);
    });
  }

  async #hand({ name }: Plan, key: string): Promise<void> {
    if (this.#isClosing) return;
    const triggerId = this.hooks.get(name) ?? '';
    await fireEvent(this.parts, { triggerId, source: 'webhook', key, kind: 'push', data: { key } });
    this.book.events.get(name)?.add(key);
    await this.serve();
    await this.look();
  }

  async #migrate(name: string, weight: number): Promise<void> {
    await this.whenUp(async () => {
      await migrateWorkflow(this.parts, { caller, workflow: name, weight });
      this.book.weights.get(name)?.push([this.now, weight]);
    });
  }

  async #answerQuestions(): Promise<void> {
    if (this.#isClosing) return;
    this.agenda.add(this.now + 4 * hourMs, () => this.#answerQuestions());
    if (this.#upAt !== null) return;
    const someone = { ...caller, role: 'release' };
    for (const { id } of await listApprovals(this.parts, { caller: someone, isAll: false })) {
      if (this.chance.is(0.5)) await approve(this.parts, { caller: someone, id });
      else if (this.chance.is(0.2)) await deny(this.parts, { caller: someone, id });
    }
    await this.serve();
  }

  /** Bad days begin, and now and then the server is away. */
  async #newDay(until: number): Promise<void> {
    if (this.#isClosing) return;
    this.agenda.add(this.now + dayMs, () => this.#newDay(until));
    for (const plan of plans)
      if (this.chance.is(0.02))
        this.badUntil.set(plan.name, this.now + this.chance.between([6, 48]) * hourMs);
    // on the fifth day in any case
    const isAway = this.chance.is(0.07) || this.now === this.begin + 5 * dayMs;
    if (this.#upAt !== null || this.now > until - 2 * dayMs || !isAway) return;
    this.outages += 1;
    const upAt = this.now + this.chance.between([10, 20 * 60]) * minuteMs;
    this.#upAt = upAt;
    this.agenda.add(upAt, async () => {
      this.#upAt = null;
      for (const desk of this.#desks.values()) await desk.renew();
      await tick(this.parts, never);
      await this.serve();
    });
  }
}
