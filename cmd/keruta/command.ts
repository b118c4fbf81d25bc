/**
 * The port of a command: data that says what it takes, and one function that does it. Help, completion, parsing and
 * the reference page are all made from the data; a command is one file and one line in `commands.ts`.
 *
 * A command file imports statically only what its data needs; what `run` needs it imports there, so that asking for
 * help, or for another command, does not load it.
 */
import type { ApiClient } from '../../internal/api/client/client.ts';
import type { LoadedSettings } from '../../internal/config/load-settings.ts';
import type { SettingKey } from '../../internal/config/table.ts';
import type { ValueKind, ValueOf } from '../../internal/config/value.ts';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';

/** One option of a command; its name (without dashes) is its key in `options`. */
export interface CommandOption {
  /** decides how the text is read and which type `values` has: durations are ms, sizes bytes */
  readonly kind: ValueKind;
  /** one phrase for the help, without default and variable: those are added */
  readonly doc: string;
  /** single letter: `v` for `-v` */
  readonly short?: string;
  /** other long names that mean the same, not shown */
  readonly aliases?: readonly string[];
  /** the value when it is not given; makes it always present in `values` */
  readonly default?: string | number | boolean;
  /** for kind `enum` */
  readonly choices?: readonly string[];
  /** for kind `int`: least and greatest */
  readonly range?: readonly [number, number];
  /** what the value stands for in the usage line: `FILE`, `ID`; made from the kind when absent */
  readonly placeholder?: string;
  /** the row of the settings table that this option sets; its value then comes from `context.settings()` */
  readonly setting?: SettingKey;
}

/** One positional argument; its name is its key in `positionals`, whose order is the order on the line. */
export interface CommandPositional {
  readonly doc: string;
  /** default `string` */
  readonly kind?: 'string' | 'int' | 'enum';
  readonly choices?: readonly string[];
  readonly range?: readonly [number, number];
  /** default false: its absence is an error */
  readonly optional?: boolean;
  /** takes all that is left, as a list; the last one only */
  readonly variadic?: boolean;
}

/** Options by name. */
export type OptionMap = Readonly<Record<string, CommandOption>>;
/** Positionals by name, in order. */
export type PositionalMap = Readonly<Record<string, CommandPositional>>;

/** What `run` gets: every option and positional by its name. */
export type ValuesOf<P extends PositionalMap, O extends OptionMap> = {
  readonly [N in keyof O]: O[N] extends { readonly default: unknown }
    ? ValueOf<O[N]['kind']>
    : ValueOf<O[N]['kind']> | undefined;
} & {
  readonly [N in keyof P]: P[N] extends { readonly variadic: true }
    ? readonly string[]
    : P[N] extends { readonly optional: true }
      ? PositionalValue<P[N]> | undefined
      : PositionalValue<P[N]>;
};

type PositionalValue<P extends CommandPositional> = P['kind'] extends 'int' ? number : string;

/** A command. Names of groups have two words: `task add`. */
export interface Command<P extends PositionalMap = PositionalMap, O extends OptionMap = OptionMap> {
  readonly name: string;
  /** one sentence with a full stop: the purpose */
  readonly summary: string;
  /** more paragraphs for the help; optional */
  readonly description?: string;
  readonly positionals: P;
  readonly options: O;
  /** at least one; `$ ` is put before each */
  readonly examples: readonly string[];
  /** exit statuses beyond 0 and those of the error kinds (2 to 6, 70) */
  readonly exits?: Readonly<Record<number, string>>;
  /** exit status of keruta's own failures, where the usual ones could be taken for a script's (`run`: 125) */
  readonly failureExit?: number;
  /** left out of lists and completion, but works */
  readonly hidden?: boolean;
  /** What has to be done while SIGINT and SIGTERM still end the process by themselves; after the line was read. */
  readonly beforeSignals?: (context: CommandContext) => Promise<void>;
  /**
   * Does it.
   * @returns the exit status
   * @throws one of the five errors of domain/errors.ts: `runCli` prints it and picks the status
   */
  readonly run: (context: CommandContext, values: ValuesOf<P, O>) => Promise<number>;
}

/** A command whose shapes are forgotten, as lists hold it. */
export type AnyCommand = Omit<Command, 'run'> & {
  readonly run: (context: CommandContext, values: never) => Promise<number>;
};

/** Gives the compiler the shapes of a command; returns it as it is. */
export function command<const P extends PositionalMap, const O extends OptionMap>(
  definition: Command<P, O>,
): Command<P, O> {
  return definition;
}

/** Where a command writes: the terminal, a pipe, or a test's buffer. */
export interface Writer {
  /** Resolves when more may be written; never rejects: a reader that went away ends the process. */
  write(chunk: string | Uint8Array): Promise<void>;
  readonly isTerminal: boolean;
  /** width in columns; 80 when it is not known */
  readonly columns: number;
}

/** What a command works with. Nothing under cmd/keruta but `process-context.ts` touches `process`. */
export interface CommandContext {
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** the bytes of stdin, to their end; read at most once */
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdinIsTerminal: boolean;
  /**
   * Stops the terminal from showing what is typed: then keys come as they are, Enter as CR, Ctrl-C as byte 3.
   * @returns `giveBack` lets it show them again, `interrupt` does what Ctrl-C does otherwise
   */
  readonly hideInput?: () => { readonly giveBack: () => void; readonly interrupt: () => void };
  /** environment, with the file of `--env-file` under it */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** absolute */
  readonly cwd: string;
  /** the user's home; `''` when there is none */
  readonly home: string;
  readonly uid: number;
  /** since the process began; ms; left out where no process is behind it: then nothing has passed */
  readonly upMs?: () => number;
  /** version of keruta, such as `0.1.0` */
  readonly version: string;
  /** the words behind the command, as they were written: for commands that start another keruta */
  readonly words: readonly string[];
  /** whether `--json` was given */
  readonly json: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** goes to stderr, or where the settings say */
  readonly log: Log;
  /** aborted at the first SIGINT or SIGTERM, unless the command listens itself by `onStop` */
  readonly signal: AbortSignal;
  /**
   * Takes over SIGINT and SIGTERM. One that came before is told at once.
   * @param listener gets the name of the signal, and how many came so far, this one included
   * @returns gives them back
   */
  onStop(listener: (name: 'SIGINT' | 'SIGTERM', count: number) => void): () => void;
  /**
   * All settings, from this command's flags, the environment, the files and the defaults; read once.
   * @throws {InputError} KERUTA_ERR_CONFIG with every fault at once
   */
  settings(): Promise<LoadedSettings>;
  /**
   * A client for the API that the settings name, with their token.
   * @throws {InputError} KERUTA_ERR_CONFIG, KERUTA_ERR_CONFIG_MISSING (no token anywhere)
   */
  makeClient(): Promise<ApiClient>;
}
