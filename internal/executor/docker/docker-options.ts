import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Mount } from '../../../pkg/docker/container-body.ts';
import type { EngineAddress } from '../../../pkg/docker/engine-address.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { ImagePrograms } from './image-programs.ts';

/** How runs are put into containers. */
export interface DockerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly address: EngineAddress;
  /** of the agent: what of this engine is ours; absolute */
  readonly baseDirectory: string;
  readonly image: string;
  /** whether an image that is missing is brought from its registry; default false */
  readonly pull?: boolean;
  /** name of a network or mode; null: the engine's default */
  readonly network?: string | null;
  /** what people want in every container, besides what a run needs */
  readonly volumes?: readonly Mount[];
  /** what every run needs besides its own directories, at the same path; what is not there is left out */
  readonly shared?: readonly { readonly path: string; readonly readOnly: boolean }[];
  /** `uid:gid` or a name of the image; null: the agent's own uid and gid */
  readonly user?: string | null;
  /** null: no limit */
  readonly memoryBytes?: number | null;
  /** null: no limit */
  readonly cpus?: number | null;
  /** null: no limit */
  readonly pidsLimit?: number | null;
  /** what several executors of one process with the same volumes know of images together; default: one's own */
  readonly programs?: ImagePrograms;
  /** file mode mask of the scripts; default: this process's own */
  readonly umask?: number;
  /**
   * the environment that the agent hands on to scripts: what of it is about its machine (PATH, HOME, …) gives way to the
   * image's own; default: every variable of a run is taken as it is
   */
  readonly inherited?: Readonly<Record<string, string | undefined>>;
}
