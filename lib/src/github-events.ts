/**
 * The payloads of GitHub's webhooks, as far as automations mostly read them; GitHub sends more, which is there as `unknown`.
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */

/** Fields that are there and not described here. */
type More = Readonly<Record<string, unknown>>;

/** An account. */
export type GitHubUser = More & { readonly login: string; readonly id: number };

/** A repository. */
export type GitHubRepository = More & {
  readonly id: number;
  readonly name: string;
  readonly full_name: string;
  readonly private: boolean;
  readonly owner: GitHubUser;
  readonly html_url: string;
  readonly clone_url: string;
  readonly default_branch: string;
};

/** A commit of a push. */
export type GitHubCommit = More & {
  readonly id: string;
  readonly message: string;
  readonly timestamp: string;
  readonly url: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly removed: readonly string[];
};

/** What all events have. */
type Common = More & { readonly repository: GitHubRepository; readonly sender: GitHubUser };

/** `push` */
export type GitHubPush = Common & {
  /** `refs/heads/main` */
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly created: boolean;
  readonly deleted: boolean;
  readonly forced: boolean;
  readonly commits: readonly GitHubCommit[];
  readonly head_commit: GitHubCommit | null;
};

/** A side of a pull request. */
type Side = More & { readonly ref: string; readonly sha: string; readonly repo: GitHubRepository | null };

/** `pull_request` */
export type GitHubPullRequest = Common & {
  /** such as `opened`, `synchronize`, `closed` */
  readonly action: string;
  readonly number: number;
  readonly pull_request: More & {
    readonly number: number;
    readonly title: string;
    readonly body: string | null;
    readonly state: 'open' | 'closed';
    readonly draft: boolean;
    readonly merged: boolean;
    readonly html_url: string;
    readonly diff_url: string;
    readonly user: GitHubUser;
    readonly head: Side;
    readonly base: Side;
  };
};

/** An issue. */
export type GitHubIssue = More & {
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly state: 'open' | 'closed';
  readonly html_url: string;
  readonly user: GitHubUser;
  readonly labels: readonly (More & { readonly name: string })[];
};

/** `issues` */
export type GitHubIssues = Common & { readonly action: string; readonly issue: GitHubIssue };

/** `issue_comment` */
export type GitHubIssueComment = GitHubIssues & {
  readonly comment: More & { readonly id: number; readonly body: string; readonly user: GitHubUser };
};

/** `release` */
export type GitHubRelease = Common & {
  readonly action: string;
  readonly release: More & {
    readonly tag_name: string;
    readonly name: string | null;
    readonly draft: boolean;
  };
};

/** `pull_request_review` */
export type GitHubPullRequestReview = Common & {
  readonly action: string;
  readonly review: More & {
    readonly id: number;
    readonly body: string | null;
    readonly state: string;
    readonly html_url: string;
    readonly user: GitHubUser;
  };
  readonly pull_request: More & {
    readonly number: number;
    readonly title: string;
    readonly html_url: string;
    readonly head: Side;
    readonly base: Side;
  };
};

/** `create` and `delete`: a branch or a tag */
export type GitHubRef = Common & {
  /** its name, without `refs/heads/` */
  readonly ref: string;
  readonly ref_type: 'branch' | 'tag';
};

/** `workflow_run` */
export type GitHubWorkflowRun = Common & {
  readonly action: string;
  readonly workflow_run: More & {
    readonly id: number;
    readonly name: string | null;
    readonly status: string;
    readonly conclusion: string | null;
    readonly head_branch: string | null;
    readonly head_sha: string;
  };
};

/** Payloads by the name of their event. */
export interface EventPayloads {
  readonly 'github.push': GitHubPush;
  readonly 'github.pull_request': GitHubPullRequest;
  readonly 'github.pull_request_review': GitHubPullRequestReview;
  readonly 'github.create': GitHubRef;
  readonly 'github.delete': GitHubRef;
  readonly 'github.issues': GitHubIssues;
  readonly 'github.issue_comment': GitHubIssueComment;
  readonly 'github.release': GitHubRelease;
  readonly 'github.workflow_run': GitHubWorkflowRun;
}
