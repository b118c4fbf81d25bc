import type { Clock } from '../../../pkg/clock/clock.ts';
import type { ClusterAccess } from '../../../pkg/kubernetes/cluster-access.ts';
import type { Log } from '../../../pkg/log/log.ts';

/** How runs are put into jobs of a cluster. */
export interface KubernetesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly access: ClusterAccess;
  /** null: that of the access */
  readonly namespace: string | null;
  /** what we call ourselves to the cluster */
  readonly userAgent: string;
  /** of the agent; absolute; lies on the volume */
  readonly baseDirectory: string;
  /** what agent and pods share */
  readonly volume: SharedVolume;
  readonly image: string;
  /** null: what the cluster does by itself */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | null;
  /** what every run needs besides its own directories, where it lies on the volume */
  readonly shared?: readonly { readonly path: string; readonly readOnly: boolean }[];
  /** null: the namespace's own, whose token is not given to the pod */
  readonly serviceAccount?: string | null;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretUse[];
  /** null: no limit */
  readonly memoryBytes?: number | null;
  /** null: no limit */
  readonly cpus?: number | null;
  /** how long a job that has ended is kept when nobody deletes it; seconds */
  readonly ttlSeconds: number;
  /** how long a pod may take until its script begins; ms */
  readonly startTimeoutMs: number;
  /** file mode mask of the scripts; default: this process's own */
  readonly umask?: number;
  /** @see DockerOptions.inherited */
  readonly inherited?: Readonly<Record<string, string | undefined>>;
}

/** A volume that is there in the agent and in every pod, under the same path. */
export interface SharedVolume {
  /** name of the PersistentVolumeClaim */
  readonly claim: string;
  /** where it is mounted; absolute */
  readonly mountPath: string;
  /** the part of it that is mounted there; `''`: all of it */
  readonly subPath: string;
}

/** A Secret that pods get by its name; its values are never seen by the agent. */
export interface SecretUse {
  readonly name: string;
  /** where its keys become files; null: they become variables */
  readonly mountPath: string | null;
}
