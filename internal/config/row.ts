/**
 * What a setting is. One row of the table is a flag, its variables, its file keys, a default and a doc line; loading,
 * `config show`, `config set`, help and the reference page are made from it.
 */
import type { Value, ValueRule } from './value.ts';

/** Who uses a setting, for the reference page and for variables that only some roles read. */
export type SettingRole = 'client' | 'task' | 'agent' | 'server';

/** One setting. */
export interface SettingRow extends ValueRule {
  /** long flag without dashes; null: it has none (secrets never stand on a command line) */
  readonly flag: string | null;
  /** environment variables, the strongest first */
  readonly variables: readonly string[];
  /** variables of other programs that only the server reads, weaker than `variables` */
  readonly serverVariables?: readonly string[];
  /** keys of the configuration file, the strongest first; the first is the one that `config set` writes */
  readonly fileKeys: readonly string[];
  /** the value when it is set nowhere; null: there is none */
  readonly default: Value | null;
  /** says the default where it is made from other settings: `<base directory>/server` */
  readonly defaultDoc?: string;
  /** what a number without unit means in the file, where that differs from flag and variable */
  readonly bareUnitInFile?: ValueRule['bareUnit'];
  /** one phrase for help and reference */
  readonly doc: string;
  /** never shown */
  readonly secret?: boolean;
  readonly roles: readonly SettingRole[];
}
