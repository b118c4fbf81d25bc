import type { OptionMap } from '../command.ts';
import { fromSetting } from '../options.ts';

/** Options of everything that runs an agent, but for session and the address of the agent's own API. */
export const agentOptions = {
  'workspace-id': fromSetting('workspaceId'),
  'pid-file': fromSetting('pidFile'),
  'log-file': fromSetting('logFile'),
  'poll-interval': fromSetting('pollInterval', { aliases: ['interval'] }),
  once: fromSetting('once'),
  'exit-on-idle': fromSetting('exitOnIdle'),
  'max-uptime': fromSetting('maxUptime'),
  'keep-alive': fromSetting('keepAlive'),
  'working-dir': fromSetting('workingDir'),
  'trust-working-dir': fromSetting('trustWorkingDir'),
  'allow-local-git': fromSetting('allowLocalGit'),
  'git-timeout': fromSetting('gitTimeout'),
  label: fromSetting('labels'),
  'allowed-repositories': fromSetting('allowedRepositories'),
  'artifacts-dir': fromSetting('artifactsDir'),
  'max-file-size': fromSetting('maxFileSize'),
  'min-free-disk': fromSetting('minFreeDisk'),
  'auto-fix-command': fromSetting('autoFixCommand'),
  'runner-config': fromSetting('runnerConfig'),
  'cancel-grace': fromSetting('cancelGrace'),
  'use-http-input': fromSetting('useHttpInput'),
  'allow-remote': fromSetting('allowRemote'),
  executor: fromSetting('executor'),
  'docker-image': fromSetting('dockerImage'),
  'kubernetes-image': fromSetting('kubernetesImage'),
} as const satisfies OptionMap;

/** Options of `keruta daemon` and `keruta daemon start`. */
export const daemonOptions = {
  'session-id': fromSetting('sessionId', { aliases: ['session'] }),
  host: fromSetting('daemonHost'),
  port: fromSetting('daemonPort'),
  ...agentOptions,
} as const satisfies OptionMap;
