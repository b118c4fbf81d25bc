/** What the server counts as things happen. What it reads at the moment of asking is in `figures.ts`. */
import { LabelCap } from '../../../pkg/metrics/label-cap.ts';
import { Metrics } from '../../../pkg/metrics/metrics.ts';
import { serverMetricTable as table } from '../../domain/metric-table.ts';
import type { Occurrence } from '../../domain/workflow.ts';
import type { Happened } from '../../session/watch/chronicle.ts';
import { durationOf, endWord } from '../../session/watch/execution-log.ts';

/** So many triggers have names of their own in labels; those that come later share `other`. */
export const maxTriggerLabels = 200;
/** Reasons and results are few; a version that brings many must not bring as many series. */
const maxWords = 50;

/** Money is counted in whole micro-dollars, and shown in dollars. */
const microPerDollar = 1_000_000;

/** What became of a request to a webhook. */
export const deliveryResults = [
  'accepted',
  'duplicate',
  'skipped',
  'greeting',
  'unsigned',
  'limited',
  'bad',
  'failed',
] as const;
/** @see deliveryResults */
export type DeliveryResult = (typeof deliveryResults)[number];

/** The metrics of one server. */
export class ServerMetrics {
  readonly metrics = new Metrics();
  readonly #triggers = new LabelCap(maxTriggerLabels, 'other');
  readonly #channels = new LabelCap(maxWords, 'other');
  readonly #reasons = new LabelCap(maxWords, 'other');
  readonly #decisions = new LabelCap(maxWords, 'other');
  readonly #executions = this.metrics.counter(table.executions);
  readonly #duration = this.metrics.histogram(table.executionDuration);
  readonly #models = new LabelCap(maxWords, 'other');
  readonly #executionCost = this.metrics.histogram(table.executionCost);
  readonly #cost = this.metrics.counter(table.cost);
  readonly #calls = this.metrics.counter(table.llmCalls);
  readonly #tokens = this.metrics.counter(table.llmTokens);
  readonly #delay = this.metrics.histogram(table.triggerDelay);
  readonly #skipped = this.metrics.counter(table.occurrencesSkipped);
  readonly #deliveries = this.metrics.counter(table.webhookDeliveries);
  readonly #notifications = this.metrics.counter(table.notifications);
  readonly #wait = this.metrics.histogram(table.taskWait);
  readonly #expiries = this.metrics.counter(table.leaseExpiries);
  readonly #requests = this.metrics.counter(table.httpRequests);
  readonly #requestDuration = this.metrics.histogram(table.httpDuration);
  readonly #transactions = this.metrics.histogram(table.storeDuration);
  readonly #storeErrors = this.metrics.counter(table.storeErrors);

  constructor() {
    // a count that begins at 1 looks to Prometheus as if it had always been 1
    for (const result of deliveryResults) this.#deliveries({ result }, 0);
  }

  /** Counts what happened to triggers and tasks. */
  readonly tell = (happened: Happened): void => {
    if (happened.kind === 'occurred') this.#occurred(happened);
    if (happened.kind === 'started') this.#started(happened);
    if (happened.kind === 'ended') this.#ended(happened);
    if (happened.kind === 'spent') this.#spent(happened);
    if (happened.kind === 'lost') this.#expiries({});
    if (happened.kind === 'told')
      this.#notifications({ channel: this.#channels.of(happened.channel), result: happened.state });
  };

  /** Counts a transaction. @param tookMs  with the wait for its turn */
  transaction(tookMs: number, failed: boolean): void {
    this.#transactions({}, tookMs / 1000);
    if (failed) this.#storeErrors({});
  }

  /** Counts a request that was answered. */
  request(answered: {
    readonly method: string;
    /** its template, never its path; `unknown` when there is no such route */
    readonly route: string;
    readonly status: number;
    /** null: it waited for something to happen, so its time says nothing */
    readonly tookMs: number | null;
  }): void {
    const { method, route, status, tookMs } = answered;
    this.#requests({ method, route, status: `${Math.floor(status / 100)}xx` });
    if (tookMs !== null) this.#requestDuration({ method, route }, tookMs / 1000);
  }

  /** Counts a request to a webhook. */
  delivery(result: DeliveryResult): void {
    this.#deliveries({ result });
  }

  #occurred({ occurrence, origin }: Extract<Happened, { kind: 'occurred' }>): void {
    const { decision, reason, source, effectiveAt, decidedAt } = occurrence;
    const trigger = this.#triggers.of(origin.name);
    const isByTime = source === 'cron' || source === 'interval';
    if (isByTime && reason !== 'caught_up' && decision === 'run')
      this.#delay({ trigger }, (decidedAt - effectiveAt) / 1000);
    if (decision === 'run') return;
    this.#skipped({ reason: this.#reasons.of(reason) });
    this.#executions({ trigger, status: 'skipped', decision: 'skipped' });
  }

  #started({ task, attempt }: Extract<Happened, { kind: 'started' }>): void {
    if (attempt.number === 1) this.#wait({}, Math.max(0, attempt.createdAt - task.createdAt) / 1000);
  }

  #spent({ cost, origin }: Extract<Happened, { kind: 'spent' }>): void {
    const model = this.#models.of(cost.model === '' ? 'unknown' : cost.model);
    this.#cost({ trigger: this.#triggers.of(origin.name) }, cost.micro / microPerDollar);
    this.#calls({ model });
    this.#tokens({ model, direction: 'in' }, cost.tokensIn ?? 0);
    this.#tokens({ model, direction: 'out' }, cost.tokensOut ?? 0);
  }

  #ended({ task, occurrence, origin, costMicro }: Extract<Happened, { kind: 'ended' }>): void {
    const trigger = this.#triggers.of(origin.name);
    const status = endWord(task);
    const decision = this.#decisions.of(modeOf(occurrence));
    for (const other of ['success', 'failed']) this.#executions({ trigger, status: other, decision }, 0);
    this.#executions({ trigger, status, decision });
    const durationMs = durationOf(task);
    if (durationMs !== null) this.#duration({ trigger, status }, durationMs / 1000);
    if (costMicro !== null) this.#executionCost({ trigger }, costMicro / microPerDollar);
  }
}

/** Who decided what to run; a plain script is `classic`. */
function modeOf(occurrence: Occurrence | null): string {
  const { mode } = occurrence?.details ?? {};
  return typeof mode === 'string' ? mode : 'classic';
}
