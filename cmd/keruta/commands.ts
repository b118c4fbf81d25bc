/** All commands: one line each. A command's file is loaded when the command is asked for. */
import type { AnyCommand } from './command.ts';

/** Loaders of all commands by name, in the order of the help. */
export const commandLoaders: Readonly<Record<string, () => Promise<AnyCommand>>> = {
  up: async () => (await import('./roles/up.ts')).up,
  server: async () => (await import('./roles/server.ts')).server,
  daemon: async () => (await import('./roles/daemon.ts')).daemon,
  'daemon start': async () => (await import('./roles/daemon-start.ts')).daemonStart,
  'daemon status': async () => (await import('./roles/daemon-status.ts')).daemonStatus,
  'daemon logs': async () => (await import('./roles/daemon-logs.ts')).daemonLogs,
  'daemon stop': async () => (await import('./roles/daemon-stop.ts')).daemonStop,
  'daemon unit': async () => (await import('./roles/daemon-unit.ts')).daemonUnit,
  run: async () => (await import('./people/run.ts')).run,
  'session create': async () => (await import('./people/session-create.ts')).sessionCreate,
  'session list': async () => (await import('./people/session-list.ts')).sessionList,
  'session show': async () => (await import('./people/session-show.ts')).sessionShow,
  'session close': async () => (await import('./people/session-close.ts')).sessionClose,
  'session delete': async () => (await import('./people/session-delete.ts')).sessionDelete,
  'task add': async () => (await import('./people/task-add.ts')).taskAdd,
  'task list': async () => (await import('./people/task-list.ts')).taskList,
  'task show': async () => (await import('./people/task-show.ts')).taskShow,
  'task logs': async () => (await import('./people/task-logs.ts')).taskLogs,
  'task cancel': async () => (await import('./people/task-cancel.ts')).taskCancel,
  'task retry': async () => (await import('./people/task-retry.ts')).taskRetry,
  'task input': async () => (await import('./people/task-input.ts')).taskInput,
  'task delete': async () => (await import('./people/task-delete.ts')).taskDelete,
  start: async () => (await import('./task-commands/speaking.ts')).speakingCommand('start'),
  progress: async () => (await import('./task-commands/speaking.ts')).speakingCommand('progress'),
  success: async () => (await import('./task-commands/speaking.ts')).speakingCommand('success'),
  fail: async () => (await import('./task-commands/speaking.ts')).speakingCommand('fail'),
  log: async () => (await import('./task-commands/speaking.ts')).speakingCommand('log'),
  'log verify': async () => (await import('./people/log-verify.ts')).logVerify,
  ask: async () => (await import('./task-commands/speaking.ts')).speakingCommand('ask'),
  execute: async () => (await import('./task-commands/execute.ts')).execute,
  'artifact add': async () => (await import('./task-commands/artifact-add.ts')).artifactAdd,
  'artifact list': async () => (await import('./task-commands/artifact-list.ts')).artifactList,
  'artifact remove': async () => (await import('./task-commands/artifact-remove.ts')).artifactRemove,
  'redact add': async () => (await import('./task-commands/redact-add.ts')).redactAdd,
  'artifact get': async () => (await import('./people/artifact-get.ts')).artifactGet,
  'agent list': async () => (await import('./people/agent-list.ts')).agentList,
  'token create': async () => (await import('./people/token-create.ts')).tokenCreate,
  'token list': async () => (await import('./people/token-list.ts')).tokenList,
  'token revoke': async () => (await import('./people/token-revoke.ts')).tokenRevoke,
  'cron explain': async () => (await import('./people/cron-explain.ts')).cronExplain,
  'config show': async () => (await import('./itself/config-show.ts')).configShow,
  'config set': async () => (await import('./itself/config-set.ts')).configSet,
  'config path': async () => (await import('./itself/config-path.ts')).configPath,
  doctor: async () => (await import('./itself/doctor.ts')).doctor,
  health: async () => (await import('./itself/health.ts')).health,
  completion: async () => (await import('./itself/completion.ts')).completion,
  version: async () => (await import('./itself/version.ts')).version,
};

/** Loads every command, for help, completion and the reference page. */
export async function loadCommands(): Promise<AnyCommand[]> {
  return Promise.all(Object.values(commandLoaders).map((load) => load()));
}
