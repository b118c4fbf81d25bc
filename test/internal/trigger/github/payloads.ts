/** Deliveries in the documented shape, as small as they can be. */

/** A commit id made of one digit. */
export const sha = (digit: string) => digit.repeat(40);

/** A repository as deliveries carry it. */
export function repository(fullName = 'acme/site') {
  const [login = '', name = ''] = fullName.split('/');
  return {
    id: 186853002,
    name,
    full_name: fullName,
    private: true,
    owner: { login, id: 21031067, type: 'Organization' },
    clone_url: `https://github.com/${fullName}.git`,
    default_branch: 'main',
  };
}

const common = {
  repository: repository(),
  sender: { login: 'mona', id: 1, type: 'User' },
  installation: { id: 375706 },
};

/** A push of one commit to a branch. */
export function push(more: Readonly<Record<string, unknown>> = {}) {
  const commit = {
    id: sha('b'),
    message: 'change',
    added: ['docs/new.md'],
    modified: ['src/a.ts'],
    removed: ['old.txt'],
  };
  const flags = { created: false, deleted: false, forced: false };
  return {
    ref: 'refs/heads/main',
    before: sha('a'),
    after: sha('b'),
    ...flags,
    commits: [commit],
    ...common,
    ...more,
  };
}

/** A pull request; `head` is where its commits come from. */
export function pullRequest(
  action = 'opened',
  head = 'acme/site',
  more: Readonly<Record<string, unknown>> = {},
) {
  return {
    action,
    number: 7,
    pull_request: {
      number: 7,
      head: { ref: 'topic', sha: sha('c'), repo: repository(head) },
      base: { ref: 'main', sha: sha('a'), repo: repository() },
      labels: [{ id: 1, name: 'ready' }],
      user: { login: 'mona' },
    },
    ...common,
    ...more,
  };
}

/** A comment at an issue. */
export function issueComment(more: Readonly<Record<string, unknown>> = {}) {
  const issue = { number: 9, labels: [{ name: 'bug' }] };
  return {
    action: 'created',
    issue,
    comment: { id: 3, body: 'hello', user: { login: 'mona' } },
    ...common,
    ...more,
  };
}

/** So many commits, of one file each. */
export function commits(count: number, file = (n: number) => `file-${n}`) {
  return Array.from({ length: count }, (_, n) => ({ added: [file(n)], modified: [], removed: [] }));
}
