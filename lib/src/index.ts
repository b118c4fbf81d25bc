/** Functions that run by themselves: on time, by webhooks, and when files change. */
export { type AgentOptions, type Ask, agent, type PromptOptions } from './agent.ts';
export { type AgentRuntime, App, type AppOptions, type CronOptions } from './app.ts';
export { CronRegistry, type CronTrigger, type Registration, type TriggerStatus } from './cron-registry.ts';
export type * from './github-events.ts';
export type { CompleteHandler, ErrorHandler } from './registry.ts';
export { run } from './run.ts';
export type {
  RunnerConfig,
  RunnerErrorKind,
  RunnerResult,
  RunOptions,
  TaskContext,
} from './runner-types.ts';
export { type Every, type ScheduleOptions, schedule } from './schedule.ts';
export { type Job, Scheduler, type SchedulerOptions } from './scheduler.ts';
export { tool } from './tool.ts';
export type {
  EventFunction,
  FileFunction,
  RetryOptions,
  RunContext,
  RunRecord,
  Source,
  Time,
  TimedFunction,
  WrittenTrigger,
} from './types.ts';
export { type FileEvent, type WatchOptions, watch } from './watch.ts';
export { Watcher, type WatcherOptions } from './watcher.ts';
export { type PayloadOf, type WebhookOptions, webhook } from './webhook.ts';
export type { ServeOptions, Serving } from './webhook-server.ts';
export { defineWorkflow, type WrittenWorkflow } from './workflow.ts';
