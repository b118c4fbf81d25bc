/** Where a repository is, as far as its address says; the spellings of one address are the same place. */
export interface RepositoryAddress {
  readonly kind: 'https' | 'ssh';
  /** lower case, without a port */
  readonly host: string;
  /** `owner/name`, lower case */
  readonly path: string;
  /** whether a name or a password stands in it */
  readonly hasUser: boolean;
}

const forms = [
  /^(?<kind>https):\/\/(?<user>[^/@]*@)?(?<host>[^/:@]+)(?::\d+)?\/(?<path>[^/]+\/[^/]+)$/i,
  /^(?<kind>ssh):\/\/(?<user>[^/@]*@)?(?<host>[^/:@]+)(?::\d+)?\/(?<path>[^/]+\/[^/]+)$/i,
  /^(?<user>[^/@:]+@)(?<host>[^/:@]+):(?<path>[^/]+\/[^/]+)$/i,
];

/** Reads an address. @returns null when it is none that GitHub's repositories have */
export function readRepositoryAddress(url: string): RepositoryAddress | null {
  const plain = url.slice(0, 2048).replace(/(\.git)?\/?$/i, '');
  const found = forms.map((form) => form.exec(plain)?.groups).find((groups) => groups !== undefined);
  const { kind = 'ssh', host, path, user = '' } = found ?? {};
  if (host === undefined || path === undefined) return null;
  const isHttps = kind.toLowerCase() === 'https';
  return {
    kind: isHttps ? 'https' : 'ssh',
    host: host.toLowerCase(),
    path: path.toLowerCase(),
    hasUser: user !== '',
  };
}

/** Whether two addresses lead to the same repository, whichever way. */
export function isSameRepository(one: string, other: string): boolean {
  const [first, second] = [readRepositoryAddress(one), readRepositoryAddress(other)];
  return first !== null && first.host === second?.host && first.path === second.path;
}
