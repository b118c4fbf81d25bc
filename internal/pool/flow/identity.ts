import type { Identity } from '../../../pkg/git/work-tree.ts';

/** Who is named in commits, and by which key they are signed. */
export interface CommitIdentity {
  readonly author: Identity;
  /** default: the author */
  readonly committer?: Identity;
  /** default: not signed */
  readonly signing?: Signing | null;
}

/** A key for commits. */
export interface Signing {
  readonly format: 'openpgp' | 'ssh';
  /** a key id, or for ssh the file of the key, absolute */
  readonly key: string;
  /** what the signing program needs besides PATH, such as GNUPGHOME or SSH_AUTH_SOCK */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Who is named when nobody was chosen. */
export const defaultIdentity: Identity = { name: 'keruta', email: 'keruta@localhost' };

/** The variables of a git that makes commits. */
export function identityEnvironment(identity: CommitIdentity): Record<string, string> {
  const { author, committer = author, signing } = identity;
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    ...committerEnvironment(committer),
    ...(signing == null ? {} : signingEnvironment(signing)),
  };
}

/** The variables of a git that makes commits anew whose author stays. */
export function rebaseEnvironment(identity: CommitIdentity): Record<string, string> {
  const { author, committer = author, signing } = identity;
  return { ...committerEnvironment(committer), ...(signing == null ? {} : signingEnvironment(signing)) };
}

/** The option that has a commit signed. */
export function signingOptions({ signing }: CommitIdentity): readonly string[] {
  return signing == null ? [] : ['--gpg-sign'];
}

function committerEnvironment({ name, email }: Identity): Record<string, string> {
  return { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

function signingEnvironment({ format, key, environment = {} }: Signing): Record<string, string> {
  return {
    ...environment,
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'gpg.format',
    GIT_CONFIG_VALUE_0: format,
    GIT_CONFIG_KEY_1: 'user.signingKey',
    GIT_CONFIG_VALUE_1: key,
  };
}
