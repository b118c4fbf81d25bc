/** What kind of fault a git operation had; callers decide by it. */
export type GitFault =
  /** URL or ref is never handed to git */
  | 'refused'
  /** credentials asked for, wrong, or the host key is not the known one */
  | 'auth'
  /** no answer, no such host, no such repository */
  | 'unreachable'
  /** the operation's own deadline passed */
  | 'timeout'
  | 'ref-not-found'
  /** objects or index of the clone cannot be read */
  | 'damaged'
  /** a lock file is in the way */
  | 'locked'
  /** the directory belongs to another user */
  | 'ownership'
  /** there is no git program */
  | 'missing'
  | 'failed';

/** git could not do its part. The message quotes at most 500 bytes of its output, without credentials. */
export class GitError extends Error {
  readonly fault: GitFault;

  constructor(fault: GitFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GitError';
    this.fault = fault;
  }
}

/** Lines of advice: ours say what to do, and no configuration of a person's is read in a clone of ours. */
const advice = /^(hint:|To add an exception for this directory|git config --global --add safe\.directory)/;

/** How much of git's own words a message may carry. */
const maxQuoteBytes = 500;

type Pattern = readonly [GitFault, RegExp];

const ofAnyCall: readonly Pattern[] = [
  ['ownership', /detected dubious ownership/],
  ['locked', /Unable to create '[^']*\.lock'|cannot lock ref .*File exists/],
  [
    'damaged',
    /bad (tree )?object|missing (blob|tree|commit|object)|unable to read (tree|sha1|object|[0-9a-f]{40})|object file .* is empty|(object|loose object|packed object) .* is corrupt|corrupt loose object|inflate: |index file (corrupt|smaller)|bad (index file sha1 )?signature|invalid sha1 pointer|did not send all necessary objects|packfile .* (cannot|is|does not)|could not parse (HEAD|commit|object)|not a git repository|failed to read object|reference broken|unable to resolve reference|bad config (line|file)|unable to parse|bad ref for/i,
  ],
];

const ofRemoteCalls: readonly Pattern[] = [
  ['ref-not-found', /couldn't find remote ref|could not find remote ref|not our ref|unadvertised object/i],
  [
    'auth',
    /could not read (Username|Password)|Authentication failed|terminal prompts disabled|Permission denied \(|Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|requested URL returned error: 40[137]|Access denied|invalid credentials/i,
  ],
  [
    'unreachable',
    /could not resolve host|could not connect|connection (refused|timed out|reset|closed)|failed to connect|network is unreachable|no route to host|operation too slow|early EOF|remote end hung up|repository .*not found|does not appear to be a git repository|does not exist|requested URL returned error|unable to access|SSL|certificate|could not read from remote/i,
  ],
];

/**
 * Tells from git's words what went wrong. Needs LC_ALL=C.
 * @param call whether it talked to a remote, and what it is when nothing known is said
 */
export function faultOf(
  stderr: string,
  call: { readonly remote: boolean; readonly fallback: GitFault },
): GitFault {
  // What the other side says about its own objects is no damage of ours.
  const ours = stderr.replace(/^remote: .*$/gm, '');
  const patterns = call.remote ? [...ofAnyCall, ...ofRemoteCalls] : ofAnyCall;
  return patterns.find(([, pattern]) => pattern.test(ours))?.[0] ?? call.fallback;
}

/** What no repetition helps against, among what cannot be reached: no such repository, another address, no trust. */
const lasting =
  /not found|does not exist|does not appear to be a git repository|certificate|returned error: (3\d\d|4(?!08|29)\d\d)/i;

/** Whether the same call may succeed later: the network, or the other side for now. */
export function isNetworkFault(error: unknown): error is GitError {
  if (!(error instanceof GitError)) return false;
  return error.fault === 'timeout' || (error.fault === 'unreachable' && !lasting.test(error.message));
}

/**
 * A piece of git's output that may be shown: the last lines, without control bytes and credentials.
 * @param secrets values that never appear
 */
export function quote(output: string, secrets: readonly string[] = []): string {
  let text = output.replace(/(\w+:\/\/)[^/\s@']*@/g, '$1');
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '***');
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, '').trim())
    .filter((line) => line !== '' && !advice.test(line));
  const bytes = Buffer.from(lines.join('; '), 'utf8');
  return bytes.length <= maxQuoteBytes
    ? bytes.toString('utf8')
    : `${bytes
        .subarray(0, maxQuoteBytes - 4)
        .toString('utf8')
        .replace(/\uFFFD+$/, '')}…`;
}
