/** A value of a parameter, by its kind. */
const kinds = {
  flag: /^(true|false|0|1)$/,
  count: /^\d{1,15}$/,
  // what an API server gave out before, of which nobody knows more
  opaque: /^[\w.=+/-]*$/,
  instant: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  name: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  selector:
    /^([\w./-]+ ?(=|==|!=) ?[\w.-]*|!?[\w./-]+|[\w./-]+ (in|notin) \([\w., -]+\))(,([\w./-]+ ?(=|==|!=) ?[\w.-]*|!?[\w./-]+|[\w./-]+ (in|notin) \([\w., -]+\)))*$/,
} as const;

type Parameters = Readonly<Record<string, keyof typeof kinds>>;

const list: Parameters = {
  ...{ labelSelector: 'selector', fieldSelector: 'selector', limit: 'count', continue: 'opaque' },
  ...{ resourceVersion: 'count', timeoutSeconds: 'count' },
};

/**
 * What may be asked of a cluster in the query, as far as anybody here would.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/, and PodLogOptions of k8s.io/api/core/v1
 */
const parameters: Readonly<Record<string, Parameters>> = {
  list,
  watch: { ...list, watch: 'flag', allowWatchBookmarks: 'flag' },
  log: {
    ...{ container: 'name', follow: 'flag', previous: 'flag', timestamps: 'flag', sinceTime: 'instant' },
    ...{ sinceSeconds: 'count', tailLines: 'count', limitBytes: 'count' },
  },
};

/**
 * What is wrong with the query of a request: a server passes over what it does not know, and a client that means something by
 * it gets something else. @param sort  a verb, or `log`; others have no parameters @returns null = nothing
 */
export function queryFault(sort: string, query: URLSearchParams): string | null {
  for (const [name, value] of query) {
    const kind = parameters[sort]?.[name];
    if (kind === undefined) return `${sort} has no parameter ${name}`;
    if (!kinds[kind].test(value)) return `${name}: expected a value of the kind ${kind}, got ${value}`;
    if (query.getAll(name).length > 1) return `${name} is given twice`;
  }
  return null;
}
