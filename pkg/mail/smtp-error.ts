/** Why a message was not handed over. Holds nothing of what the server said but the number. */
export class SmtpError extends Error {
  /** denied: its address is not called; connect: no connection; late: it says nothing; tls: not encrypted as asked; login, refused: the server said no */
  readonly kind: 'denied' | 'connect' | 'late' | 'tls' | 'login' | 'refused' | 'broken';
  /** of the answer, 4yz or 5yz; null = there was none */
  readonly status: number | null;

  constructor(
    kind: SmtpError['kind'],
    about: { readonly status?: number | null; readonly cause?: unknown } = {},
  ) {
    super(`mail was not taken: ${kind}`, { cause: about.cause });
    this.name = 'SmtpError';
    this.kind = kind;
    this.status = about.status ?? null;
  }
}
