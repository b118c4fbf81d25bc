/** Why a cluster did not do what it was asked for. */
export interface ClusterFault {
  /** `unreachable`: nobody answers, or only with faults; `denied`: this account may not; `refused`: it says no */
  readonly kind: 'unreachable' | 'denied' | 'refused';
  /** of the answer; null when there was none */
  readonly status: number | null;
  /** the API's own word, such as `AlreadyExists`; `''` when it said none */
  readonly reason: string;
  /** what the API, or the network, said; at most 1,000 characters */
  readonly message: string;
}

/** The cluster could not be asked, or refused. */
export class ClusterError extends Error {
  readonly kind: ClusterFault['kind'];
  readonly status: number | null;
  readonly reason: string;

  constructor(
    { server, toDo }: { readonly server: string; readonly toDo: string },
    fault: ClusterFault,
    cause?: unknown,
  ) {
    super(`the cluster at ${server} cannot ${toDo}: ${fault.message}`, { cause });
    this.name = 'ClusterError';
    this.kind = fault.kind;
    this.status = fault.status;
    this.reason = fault.reason;
  }
}

/** Whether the cluster could not be asked at all: nothing is known then. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof ClusterError && error.kind === 'unreachable';
}

/** Whether the cluster answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ClusterError && error.status === status;
}
