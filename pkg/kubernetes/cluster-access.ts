import type { HttpTls } from '../http/http.ts';

/** How a cluster's API is reached. */
export interface ClusterAccess {
  /** http or https, without a slash at its end */
  readonly server: string;
  readonly tls: HttpTls;
  /** the bearer token, asked for before each request, because files of tokens are renewed; null: none is sent */
  readonly token: () => string | null;
  /** where work goes when nothing else is said */
  readonly namespace: string;
  /** what said all this, for messages */
  readonly source: string;
}

/** It cannot be read how a cluster is reached; the message names the file and what it lacks. */
export class ClusterAccessError extends Error {
  override readonly name = 'ClusterAccessError';
}
