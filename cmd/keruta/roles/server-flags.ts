import type { OptionMap } from '../command.ts';
import { fromSetting } from '../options.ts';

/** Options of everything that runs a server. */
export const serverOptions = {
  host: fromSetting('serverHost'),
  port: fromSetting('serverPort'),
  'data-dir': fromSetting('dataDir'),
  'database-url': fromSetting('databaseUrl'),
  'dev-no-auth': fromSetting('devNoAuth'),
  'log-file': fromSetting('logFile'),
} as const satisfies OptionMap;
