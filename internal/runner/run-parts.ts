import type { Clock } from '../../pkg/clock/clock.ts';
import type { RepositoryCredentials } from '../../pkg/git/repository-url.ts';
import type { Http } from '../../pkg/http/http.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Confined } from '../../pkg/process/confine.ts';
import type { Random } from '../../pkg/random/random.ts';
import type { NamedSecret } from '../../pkg/redact/redactor.ts';
import type { PoolParts } from '../pool/work.ts';
import type { ArtifactStore, SlotService, TaskRegistry } from './services.ts';
import type { Speaker } from './speaker.ts';

/** What a runner works with. */
export interface RunnerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly http: Http;
  /** for journal, transcripts and notes of this task; absolute; private. The same again for a second start */
  readonly directory: string;
  /** where files for people are put; absolute */
  readonly artifactsDirectory: string;
  /** whether a file or directory of this machine is never an artifact; absolute and real; default: none is */
  readonly isPrivate?: (path: string) => boolean;
  /** of the machine; its git is what the runner uses */
  readonly pool: PoolParts;
  /**
   * for a push to an https address that brings none: the runner's own, never what was lent for reading; null = none beyond what
   * git itself finds
   */
  readonly pushCredentials: () => RepositoryCredentials | null;
  /** the whole environment of coding agents that are programs; each gets what it needs of it */
  readonly env: Readonly<Record<string, string>>;
  /** the whole environment of steps, tests and commands of a model: without keys and tokens of the runner */
  readonly commandEnv: Readonly<Record<string, string>>;
  /** limits of each program that is run for the task, which they share where the kernel keeps them; default: none */
  readonly confined?: Confined;
  /** what must not be seen anywhere */
  readonly secrets: readonly NamedSecret[];
  /** the value of a variable, or of the file that `NAME_FILE` names; null = neither is set */
  readonly secretOf: (variable: string) => string | null;
  readonly speaker: Speaker;
  /** null = nobody keeps one but who is told by `speaker` */
  readonly registry: TaskRegistry | null;
  /** null = the pool of the machine */
  readonly slots: SlotService | null;
  readonly store: ArtifactStore;
  /** the text of the skills of a focus that a work tree has; null = none */
  readonly skillsOf: (wish: {
    readonly directory: string;
    readonly focus: readonly string[];
    readonly requiredSkill: string | null;
  }) => Promise<string | null>;
  /** memory and CPU of this process and what it started, so far; null where the machine does not tell */
  readonly usage: () => { readonly memoryMb: number | null; readonly cpuSeconds: number | null };
  readonly signal: AbortSignal;
}
