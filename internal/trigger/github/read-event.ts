/**
 * What a delivery of GitHub says, as far as filters and tasks go. Pure, and never an error: a field that is not there, or of
 * another type, is as if it were not there, because events are added and changed without notice.
 * @see https://docs.github.com/webhooks/webhook-events-and-payloads
 */

/** A delivery, read. */
export interface GithubEvent {
  /** name of the event: `push` */
  readonly event: string;
  /** `''` when it has none */
  readonly action: string;
  readonly repository: GithubRepository | null;
  /** of the App in this repository; null: not sent by an App */
  readonly installationId: number | null;
  readonly sender: { readonly login: string; readonly isBot: boolean };
  /** App that caused it, as far as it says; null = none */
  readonly appId: number | null;
  /** where it happened: for a pull request the branch that it goes to; null: nowhere in particular */
  readonly ref: { readonly kind: 'branch' | 'tag'; readonly name: string } | null;
  /** the commit that it is about; null = none */
  readonly sha: string | null;
  /** the commit before a push; null: there was none, or it is no push */
  readonly before: string | null;
  readonly isDeleted: boolean;
  readonly isForced: boolean;
  /** whether its commits come out of another repository */
  readonly isFork: boolean;
  /** of the issue or pull request; null = none */
  readonly number: number | null;
  /** whether that is a pull request; false without one */
  readonly isPull: boolean;
  readonly labels: readonly string[];
  readonly paths: ChangedPaths;
}

/** The repository of an event. */
export interface GithubRepository {
  /** stays when it is renamed; null: not told */
  readonly id: number | null;
  /** `owner/name` */
  readonly fullName: string;
  /** `owner/name` before, when the event is that it was renamed; null else */
  readonly formerName: string | null;
  readonly owner: string;
  readonly name: string;
  readonly cloneUrl: string;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
}

/** Files that an event is about. */
export interface ChangedPaths {
  readonly listed: readonly string[];
  /** whether there may be others */
  readonly isComplete: boolean;
}

/** A push of so many commits may have had more than it lists. */
const maxListedCommits = 20;
/** So many files are listed at most. */
const maxListedFiles = 3_000;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a delivery. @param event  the header `X-GitHub-Event` */
export function readGithubEvent(event: string, body: unknown): GithubEvent {
  const top = fields(body);
  const pull = fields(top.pull_request);
  const about = [top.workflow_run, top.check_run, top.check_suite, top.deployment].map(fields);
  const thing = 'pull_request' in top ? pull : fields(top.issue);
  const login = text(fields(top.sender).login);
  return {
    event,
    action: text(top.action),
    repository: repositoryOf(top),
    installationId: whole(fields(top.installation).id),
    sender: { login, isBot: fields(top.sender).type === 'Bot' || login.endsWith('[bot]') },
    appId: appOf(top),
    ref: refOf(event, top),
    sha: shaOf([
      event === 'push' ? top.after : undefined,
      fields(pull.head).sha,
      top.sha,
      ...about.flatMap((one) => [one.head_sha, one.sha]),
    ]),
    before: event === 'push' ? shaOf([top.before]) : null,
    isDeleted: top.deleted === true || event === 'delete',
    isForced: top.forced === true,
    isFork: isFork(top),
    number: whole(thing.number) ?? whole(top.number),
    isPull: 'pull_request' in top || 'pull_request' in fields(top.issue),
    labels: list(thing.labels)
      .map((one) => text(fields(one).name))
      .filter((name) => name !== ''),
    paths: pathsOf(event, top),
  };
}

function repositoryOf(top: Fields): GithubRepository | null {
  const one = fields(top.repository);
  const fullName = text(one.full_name);
  const [, owner = '', name = ''] = /^([\w.-]+)\/([\w.-]+)$/.exec(fullName) ?? [];
  if (name === '' || [owner, name].some((part) => /^\.+$/.test(part))) return null;
  const before = text(fields(fields(fields(top.changes).repository).name).from);
  return {
    ...{ id: whole(one.id), fullName, owner, name },
    formerName: before === '' ? null : `${owner}/${before}`,
    cloneUrl: text(one.clone_url),
    isPrivate: one.private === true,
    defaultBranch: text(one.default_branch),
  };
}

/** Checks say which App made them, comments and issues which one they were written through. */
function appOf(top: Fields): number | null {
  const checks = [fields(top.check_run).app, fields(top.check_suite).app];
  const written = [top.comment, top.issue, top.review].map((one) => fields(one).performed_via_github_app);
  // a check is ours when we made it, an issue or comment only when it is what just came
  const made = text(top.action) === 'created' || text(top.action) === 'opened' ? written : [];
  const [first] = [...checks, ...made].map((app) => whole(fields(app).id)).filter((id) => id !== null);
  return first ?? null;
}

function refOf(event: string, top: Fields): GithubEvent['ref'] {
  const full = text(top.ref);
  if (full.startsWith('refs/heads/')) return { kind: 'branch', name: full.slice(11) };
  if (full.startsWith('refs/tags/')) return { kind: 'tag', name: full.slice(10) };
  if ((event === 'create' || event === 'delete') && full !== '')
    return { kind: top.ref_type === 'tag' ? 'tag' : 'branch', name: full };
  const tag = text(fields(top.release).tag_name);
  if (tag !== '') return { kind: 'tag', name: tag };
  const { workflow_run: run, check_suite: suite, check_run: check } = top;
  const branches = [
    fields(fields(top.pull_request).base).ref,
    fields(run).head_branch,
    fields(suite).head_branch,
    fields(fields(check).check_suite).head_branch,
  ];
  const name = branches.map(text).find((one) => one !== '');
  return name === undefined ? null : { kind: 'branch', name };
}

/** A head whose repository was deleted is somebody else's too. */
function isFork(top: Fields): boolean {
  const own = text(fields(top.repository).full_name);
  const heads = [
    ...('pull_request' in top && 'head' in fields(top.pull_request)
      ? [fields(fields(fields(top.pull_request).head).repo).full_name]
      : []),
    ...('workflow_run' in top ? [fields(fields(top.workflow_run).head_repository).full_name] : []),
  ];
  return heads.some((head) => text(head) !== own);
}

function pathsOf(event: string, top: Fields): ChangedPaths {
  if (event !== 'push') return { listed: [], isComplete: false };
  const commits = list(top.commits).map(fields);
  const listed = new Set<string>();
  for (const { added, modified, removed } of commits)
    for (const path of [added, modified, removed].flatMap(list))
      if (typeof path === 'string') listed.add(path);
  const isComplete = commits.length < maxListedCommits && listed.size < maxListedFiles;
  return { listed: [...listed].slice(0, maxListedFiles), isComplete };
}

function shaOf(values: readonly unknown[]): string | null {
  const found = values.map(text).find((one) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(one));
  return found === undefined || /^0+$/.test(found) ? null : found;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function whole(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}
