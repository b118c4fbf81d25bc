/**
 * Every metric of server and agent, one row each. Metrics are made from these rows, and so is the reference page; the
 * dashboard and the alerts name nothing else. Names and labels are promises.
 */

/** One metric. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** one sentence */
  readonly help: string;
  readonly labels?: readonly string[];
  /** upper bounds, ascending; in the unit of the name */
  readonly buckets?: readonly number[];
}

/** Waits and runs that may take from an instant to hours; s. */
const longSeconds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
/** Answers that are expected at once; s. */
const shortSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What the server's `/metrics` shows. */
export const serverMetricTable = {
  executions: {
    name: 'keruta_executions_total',
    type: 'counter',
    help: 'Tasks that came to their end, and fires of triggers that ran nothing.',
    labels: ['trigger', 'status', 'decision'],
  },
  executionDuration: {
    name: 'keruta_execution_duration_seconds',
    type: 'histogram',
    help: 'Time from the beginning of the last attempt to its end.',
    labels: ['trigger', 'status'],
    buckets: longSeconds,
  },
  executionCost: {
    name: 'keruta_execution_cost_usd',
    type: 'histogram',
    help: 'What a task had cost when it came to its end, in US dollars; of tasks that said so.',
    labels: ['trigger'],
    buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 50, 100],
  },
  cost: {
    name: 'keruta_cost_usd_total',
    type: 'counter',
    help: 'What tasks said that they spent, in US dollars, as they said it.',
    labels: ['trigger'],
  },
  llmCalls: {
    name: 'keruta_llm_calls_total',
    type: 'counter',
    help: 'Costs that tasks told: each is one call of a model.',
    labels: ['model'],
  },
  llmTokens: {
    name: 'keruta_llm_tokens_total',
    type: 'counter',
    help: 'Tokens of a model that tasks told with their costs.',
    labels: ['model', 'direction'],
  },
  triggerDelay: {
    name: 'keruta_trigger_delay_seconds',
    type: 'histogram',
    help: 'Time from the instant at which a trigger was due to its decision; of cron and interval triggers that were not caught up.',
    labels: ['trigger'],
    buckets: longSeconds,
  },
  occurrencesSkipped: {
    name: 'keruta_occurrences_skipped_total',
    type: 'counter',
    help: 'Fires of triggers that ran nothing.',
    labels: ['reason'],
  },
  webhookDeliveries: {
    name: 'keruta_webhook_deliveries_total',
    type: 'counter',
    help: 'Requests to webhooks.',
    labels: ['result'],
  },
  notifications: {
    name: 'keruta_notifications_total',
    type: 'counter',
    help: 'Tries to tell people something: sent, waiting for another try, dead.',
    labels: ['channel', 'result'],
  },
  taskWait: {
    name: 'keruta_task_wait_seconds',
    type: 'histogram',
    help: 'Time from the submission of a task to the claim of its first attempt.',
    buckets: longSeconds,
  },
  activeTasks: {
    name: 'keruta_active_tasks',
    type: 'gauge',
    help: 'Tasks that agents have in hand.',
  },
  tasks: {
    name: 'keruta_tasks',
    type: 'gauge',
    help: 'Tasks that are not at their end.',
    labels: ['status'],
  },
  queueDepth: {
    name: 'keruta_queue_depth',
    type: 'gauge',
    help: 'Tasks that could be claimed now.',
  },
  oldestPending: {
    name: 'keruta_oldest_pending_age_seconds',
    type: 'gauge',
    help: 'How long the longest waiting of the tasks that could be claimed has waited; 0 when there is none.',
  },
  leaseExpiries: {
    name: 'keruta_lease_expiries_total',
    type: 'counter',
    help: 'Attempts whose agent was not heard of in time.',
  },
  triggers: {
    name: 'keruta_triggers',
    type: 'gauge',
    help: 'Triggers by whether they fire.',
    labels: ['state'],
  },
  overdueTriggers: {
    name: 'keruta_overdue_triggers',
    type: 'gauge',
    help: 'Triggers that missed two instants or more.',
  },
  breakerOpen: {
    name: 'keruta_circuit_breaker_open',
    type: 'gauge',
    help: '1 for each workflow whose breaker is open or half open; 0 for one that this server saw open before.',
    labels: ['workflow'],
  },
  agents: {
    name: 'keruta_agents_seen',
    type: 'gauge',
    help: 'Agents that called in the last two minutes.',
  },
  httpRequests: {
    name: 'keruta_http_requests_total',
    type: 'counter',
    help: 'Requests that were answered.',
    labels: ['method', 'route', 'status'],
  },
  httpDuration: {
    name: 'keruta_http_request_duration_seconds',
    type: 'histogram',
    help: 'Time from a request to the end of its answer. Long polls and live streams are left out.',
    labels: ['method', 'route'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
  },
  storeDuration: {
    name: 'keruta_store_transaction_duration_seconds',
    type: 'histogram',
    help: 'Time that a transaction took, with the wait for its turn.',
    buckets: shortSeconds,
  },
  storeErrors: {
    name: 'keruta_store_errors_total',
    type: 'counter',
    help: 'Transactions that the store could not do.',
  },
  storeUp: {
    name: 'keruta_store_up',
    type: 'gauge',
    help: '1 while the store takes writes.',
  },
  health: {
    name: 'keruta_health',
    type: 'gauge',
    help: '2 healthy, 1 degraded, 0 unhealthy.',
  },
  clockSkew: {
    name: 'keruta_clock_skew_seconds',
    type: 'gauge',
    help: 'How far the clock of this server is ahead of the clock of the database.',
  },
  eventLoopDelay: {
    name: 'keruta_event_loop_delay_seconds',
    type: 'gauge',
    help: 'Longest hold-up of the event loop in the last half minute.',
  },
  unobserved: {
    name: 'keruta_unobserved_total',
    type: 'counter',
    help: 'Executions that were too many at once, or could not be looked at, and are missing from metrics, log and traces.',
  },
  spansDropped: {
    name: 'keruta_trace_spans_dropped_total',
    type: 'counter',
    help: 'Spans that the receiver of traces did not take, or that were too many.',
  },
  uptime: {
    name: 'keruta_uptime_seconds',
    type: 'gauge',
    help: 'Time since the server started.',
  },
  memory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** What the agent's `/metrics` shows. */
export const agentMetricTable = {
  tasks: {
    name: 'keruta_agent_tasks_total',
    type: 'counter',
    help: 'Tasks that came to their end.',
    labels: ['status'],
  },
  runSeconds: {
    name: 'keruta_agent_run_seconds_total',
    type: 'counter',
    help: 'Time that all runs took together.',
  },
  phases: {
    name: 'keruta_agent_phases_total',
    type: 'counter',
    help: 'Phases of agent tasks that came to their end.',
    labels: ['phase', 'outcome'],
  },
  phaseSeconds: {
    name: 'keruta_agent_phase_seconds_total',
    type: 'counter',
    help: 'Time that phases of agent tasks took together.',
    labels: ['phase'],
  },
  testRounds: {
    name: 'keruta_agent_test_rounds_total',
    type: 'counter',
    help: 'Times that the tests of agent tasks were run.',
  },
  busy: {
    name: 'keruta_agent_busy',
    type: 'gauge',
    help: '1 while a task is worked on.',
  },
  apiUp: {
    name: 'keruta_agent_api_up',
    type: 'gauge',
    help: '1 while the API answers.',
  },
  healthy: {
    name: 'keruta_agent_healthy',
    type: 'gauge',
    help: '1 while nothing holds the agent back.',
  },
  spool: {
    name: 'keruta_agent_spool_bytes',
    type: 'gauge',
    help: 'Output of the run in hand that the server has not acknowledged.',
  },
  deliveryLag: {
    name: 'keruta_agent_delivery_lag_seconds',
    type: 'gauge',
    help: 'For how long there has been output that the server has not acknowledged; 0 when there is none.',
  },
  diskFree: {
    name: 'keruta_agent_disk_free_bytes',
    type: 'gauge',
    help: 'Space left for the base directory.',
  },
  eventLoopDelay: {
    name: 'keruta_agent_event_loop_delay_seconds',
    type: 'gauge',
    help: 'Longest hold-up of the event loop in the last half minute.',
  },
  spansDropped: {
    name: 'keruta_agent_trace_spans_dropped_total',
    type: 'counter',
    help: 'Spans that the receiver of traces did not take, or that were too many.',
  },
  uptime: {
    name: 'keruta_agent_uptime_seconds',
    type: 'gauge',
    help: 'Time since the agent started.',
  },
  memory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
