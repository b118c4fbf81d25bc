/** What went wrong between us and an IMAP server. Its message never holds a password. */
export class ImapError extends Error {
  /**
   * `connection`: it is gone, or says nothing any more; `refused`: the server understood and said no; `protocol`: it said
   * something that is no IMAP, or more than is taken
   */
  readonly kind: 'connection' | 'refused' | 'protocol';

  constructor(kind: ImapError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ImapError';
    this.kind = kind;
  }
}
